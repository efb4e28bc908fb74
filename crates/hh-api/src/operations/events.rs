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
    /// Updates an event: merges objects member by member and replaces the outputs.
    UpdateEvent {
        need: ingest, retry: safe, keys: [ingestion, project],
        routes: [legacy PUT "/events"],
        input: EventPatch, output: Updated,
        test: updated,
    }
}

/// Returns the response of test mode.
#[expect(
    clippy::unnecessary_wraps,
    reason = "all test mode responses have this type"
)]
fn updated(_: &EventPatch, _: &TestValues) -> Result<Updated, TestModeError> {
    Ok(Updated { success: true })
}
