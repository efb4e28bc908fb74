use uuid::Uuid;

use super::test_response::empty;
use crate::types::{
    self, CreatedEvent, CreatedEvents, EventEnvelope, EventList, EventPatch, EventSchema, Updated,
};
use crate::{TestModeError, TestValues};

operations! { ($) events
    /// Returns a page of the events that match the filters, latest start time first.
    ExportEvents {
        need: read, retry: safe, keys: [project],
        routes: [v1 POST "/v1/events/export", legacy POST "/events/export"],
        input: types::ExportEvents, output: EventList,
        test: empty,
    }
    /// Returns a page of the events that match the filters, latest start time first, and rejects unknown members.
    SearchEvents {
        need: read, retry: safe, keys: [project, data_plane],
        // The name of the scoped route is inferred from the release notes of the Python client 1.9.
        routes: [
            v1 POST "/v1/events/search",
            scoped POST "/v1/projects/{project_id}/events/search",
        ],
        input: types::SearchEvents, output: EventList,
        test: empty,
    }
    /// Returns an event.
    GetEvent {
        need: read, retry: safe, keys: [project, data_plane],
        // The name of the scoped route is inferred from the release notes of the Python client 1.9.
        routes: [
            v1 GET "/v1/events/{event_id}",
            scoped GET "/v1/projects/{project_id}/events/{event_id}",
        ],
        input: types::EventRef, output: EventEnvelope,
    }
    /// Returns the fields of the latest events, for use in filters.
    GetEventSchema {
        need: read, retry: safe, keys: [project],
        routes: [v1 GET "/v1/events/schema"],
        input: types::GetEventSchema, output: EventSchema,
        test: empty,
    }
    /// Creates an event. If an event with its id exists, it does not change.
    CreateEvent {
        // The client sends the id, so a retry does not create a second event.
        need: ingest, retry: safe, keys: [ingestion, project],
        routes: [legacy POST "/events" in "event", v1 POST "/v1/events"],
        input: types::CreateEvent, output: CreatedEvent,
        test: created,
    }
    /// Creates several events. If some of them are invalid, the others are created and the status is 500.
    CreateEvents {
        // The client sends the ids, so a retry does not create other events.
        need: ingest, retry: safe, keys: [ingestion, project],
        routes: [legacy POST "/events/batch", v1 POST "/v1/events/batch"],
        input: types::CreateEvents, output: CreatedEvents,
        test: created_all,
    }
    /// Creates an event of the type `model` from a call to a model.
    CreateModelEvent {
        need: ingest, retry: never, keys: [ingestion, project],
        routes: [legacy POST "/events/model" in "model_event"],
        input: types::CreateModelEvent, output: CreatedEvent,
    }
    /// Creates events of the type `model` from calls to models.
    CreateModelEvents {
        need: ingest, retry: never, keys: [ingestion, project],
        routes: [legacy POST "/events/model/batch"],
        input: types::CreateModelEvents, output: CreatedEvents,
    }
    /// Updates an event: replaces the outputs and merges the other objects member by member.
    UpdateEvent {
        need: ingest, retry: safe, keys: [ingestion, project],
        routes: [legacy PUT "/events", v1 PUT "/v1/events/{event_id}"],
        input: EventPatch, output: Updated,
        test: updated,
    }
    /// Deletes an event. Its child events are kept.
    DeleteEvent {
        need: write, retry: never, keys: [project],
        routes: [v1 DELETE "/v1/events/{event_id}"],
        input: types::DeleteEvent, output: types::Deleted,
    }
    /// Deletes the events and sessions of a user: those with a given value in `user_properties`.
    DeleteUserData {
        need: admin, retry: safe, keys: [project],
        routes: [scoped POST "/v1/projects/{project_id}/events/delete"],
        input: types::DeleteUserData, output: types::DeletedData,
    }
}

/// Returns the response that the client gives in test mode, without a server.
#[expect(
    clippy::unnecessary_wraps,
    reason = "all test mode responses have this type"
)]
fn updated(_: &EventPatch, _: &TestValues) -> Result<Updated, TestModeError> {
    Ok(Updated { success: true })
}

/// Returns the response to the creation of an event in test mode.
fn created(event: &types::CreateEvent, values: &TestValues) -> Result<CreatedEvent, TestModeError> {
    Ok(CreatedEvent {
        success: true,
        event_id: id_in_test_mode(event, values.id)?,
    })
}

/// Returns the response to the creation of several events in test mode. Events without an id have different ids.
fn created_all(
    batch: &types::CreateEvents,
    values: &TestValues,
) -> Result<CreatedEvents, TestModeError> {
    let ids = batch.events.iter().zip(0_u128..).map(|(event, at)| {
        let other = Uuid::from_u128(values.id.as_u128().wrapping_add(at));
        id_in_test_mode(event, other)
    });
    Ok(CreatedEvents {
        success: true,
        event_ids: ids.collect::<Result<_, _>>()?,
        ..CreatedEvents::default()
    })
}

/// Returns the id of an event in test mode, and rejects what a server rejects.
fn id_in_test_mode(event: &types::CreateEvent, other: Uuid) -> Result<Uuid, TestModeError> {
    let kind = event.event_type.as_deref().and_then(types::EventKind::find);
    if kind.is_none() || event.inputs.is_none() {
        return Err(TestModeError::Invalid);
    }
    let given = event.event_id.as_deref().map(Uuid::try_parse);
    Ok(given.and_then(Result::ok).unwrap_or(other))
}
