//! Implements the calls on events.

use hh_api::operations as op;
use hh_api::types::{
    CreateEvent, CreateEvents, DeleteEvent, DeletedData, Event, EventKind, EventList, EventPatch,
    EventRef, ExportEvents,
};
use uuid::Uuid;

use super::deletion::check_dry_runs;
use super::event_pages::EventPages;
use super::event_query::EventQuery;
use crate::{Error, HoneyHive};

/// The calls on events, see [`HoneyHive::events`].
#[derive(Clone, Copy, Debug)]
pub struct Events<'c> {
    client: &'c HoneyHive,
}

impl HoneyHive {
    /// Returns the calls on events.
    ///
    /// If a request names no project, the project of the client applies.
    ///
    /// # Examples
    /// ```
    /// use hh_sdk::api::types::CreateEvent;
    /// use hh_sdk::{EventKind, EventQuery};
    ///
    /// # let env = hh_sdk::config::Env::from_pairs::<&str, &str>([]);
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// let client = hh_sdk::HoneyHive::builder()
    /// #    .with_env(env)
    ///     .with_test_mode(true)
    ///     .build()?;
    /// let id = client.events().create(CreateEvent::new(EventKind::Tool, "search")).await?;
    /// println!("created {id}");
    ///
    /// // Test mode stores nothing, so this finds no event.
    /// let mut tools = client.events().search(EventQuery::new().with_kind(EventKind::Tool));
    /// while let Some(event) = tools.next().await? {
    ///     println!("{} took {} ms", event.event_name, event.duration);
    /// }
    /// # Ok::<(), hh_sdk::Error>(())
    /// # }).unwrap();
    /// ```
    #[must_use]
    pub fn events(&self) -> Events<'_> {
        Events { client: self }
    }
}

impl Events<'_> {
    /// Creates an event and returns its id. If an event with this id exists, it does not change.
    ///
    /// # Errors
    /// The [errors of every call](HoneyHive#errors), and `Invalid` if the type or the inputs are missing.
    pub async fn create(&self, event: CreateEvent) -> Result<Uuid, Error> {
        let mut event = event;
        complete(self.client, &mut event);
        let created = self.client.send::<op::CreateEvent>(event).await?;
        Ok(created.event_id)
    }

    /// Creates several events and returns their ids, in the same order.
    ///
    /// # Errors
    /// The [errors of every call](HoneyHive#errors), `Invalid` if the server rejects all events, and `Unavailable` if
    /// it rejects some of them and stores the others.
    pub async fn create_batch(&self, events: Vec<CreateEvent>) -> Result<Vec<Uuid>, Error> {
        let batch = CreateEvents {
            events: with_ids(self.client, events),
            ..CreateEvents::default()
        };
        Ok(self.client.send::<op::CreateEvents>(batch).await?.event_ids)
    }

    /// Returns the event with this id.
    ///
    /// # Errors
    /// The [errors of every call](HoneyHive#errors), and `NotFound` if the event does not exist. The call is not
    /// available in test mode.
    pub async fn get(&self, id: Uuid) -> Result<Event, Error> {
        let input = EventRef {
            event_id: id.to_string(),
            project_id: None,
            project: self.client.project(),
        };
        Ok(self.client.send::<op::GetEvent>(input).await?.event)
    }

    /// Updates an event: replaces the outputs and merges the other objects member by member.
    ///
    /// # Errors
    /// The [errors of every call](HoneyHive#errors), and `NotFound` if the event does not exist.
    pub async fn update(&self, patch: EventPatch) -> Result<(), Error> {
        self.client.update_event(patch).await
    }

    /// Deletes the event with this id. Its child events are kept.
    ///
    /// # Errors
    /// The [errors of every call](HoneyHive#errors), and `NotFound` if the event does not exist or is a session. The
    /// call is not available in test mode.
    pub async fn delete(&self, id: Uuid) -> Result<DeletedData, Error> {
        self.send_deletion(id, false).await
    }

    /// Returns what [`delete`](Self::delete) would delete, without deleting it.
    ///
    /// # Errors
    /// The errors of [`delete`](Self::delete), and `Invalid` if the server does not support dry runs.
    pub async fn preview_delete(&self, id: Uuid) -> Result<DeletedData, Error> {
        check_dry_runs(self.client).await?;
        self.send_deletion(id, true).await
    }

    async fn send_deletion(&self, id: Uuid, dry_run: bool) -> Result<DeletedData, Error> {
        let input = DeleteEvent {
            event_id: id.to_string(),
            project: self.client.project(),
            dry_run,
        };
        Ok(self.client.send::<op::DeleteEvent>(input).await?.data)
    }

    /// Returns one page of events, latest start time first.
    ///
    /// # Errors
    /// The [errors of every call](HoneyHive#errors).
    pub async fn export(&self, query: ExportEvents) -> Result<EventList, Error> {
        self.client.export_events(query).await
    }

    /// Returns all events that match a query, latest start time first. Requests are sent as events are read.
    #[must_use]
    pub fn search(&self, query: EventQuery) -> EventPages {
        EventPages::new(self.client.clone(), query)
    }
}

/// Completes events before they are sent.
pub(super) fn with_ids(client: &HoneyHive, mut events: Vec<CreateEvent>) -> Vec<CreateEvent> {
    for event in &mut events {
        complete(client, event);
    }
    events
}

/// Sets the project and the ids of an event. The client creates the ids, so that a retry does not create a second event.
fn complete(client: &HoneyHive, event: &mut CreateEvent) {
    if event.project_id.is_none() && event.project.is_none() {
        event.project = client.project();
    }
    if event.event_type.as_deref() == Some(EventKind::Session.as_str()) {
        // A session is the event whose id is that of its session.
        let id = event.session_id.clone().or_else(|| event.event_id.clone());
        let id = id.unwrap_or_else(|| crate::ids::random_uuid().to_string());
        event.session_id.get_or_insert_with(|| id.clone());
        event.event_id.get_or_insert(id);
    }
    for id in [&mut event.event_id, &mut event.session_id] {
        id.get_or_insert_with(|| crate::ids::random_uuid().to_string());
    }
}
