use super::test_response::empty;
use crate::types::{self, EventList, EventPatch, Updated};
use crate::{TestModeError, TestValues};

operations! { ($) events
    /// Returns a page of the events that match the filters, latest start time first.
    ExportEvents {
        need: read, retry: safe, keys: [project],
        routes: [v1 POST "/v1/events/export"],
        input: types::ExportEvents, output: EventList,
        test: empty,
    }
    /// Updates an event: replaces the outputs and merges the other objects member by member.
    UpdateEvent {
        need: ingest, retry: safe, keys: [ingestion, project],
        routes: [legacy PUT "/events"],
        input: EventPatch, output: Updated,
        test: updated,
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
