use super::test_response::empty;
use crate::types::{self, EventList, EventPatch, Updated};
use crate::{TestModeError, TestValues};

operations! { ($) events
    /// Returns a page of events.
    ExportEvents {
        need: read, retry: safe, keys: [project],
        routes: [v1 POST "/v1/events/export"],
        input: types::ExportEvents, output: EventList,
        test: empty,
    }
    /// Merges members into an event.
    UpdateEvent {
        need: ingest, retry: safe, keys: [ingestion, project],
        routes: [legacy PUT "/events"],
        input: EventPatch, output: Updated,
        test: updated,
    }
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "every response of test mode has this type"
)]
fn updated(_: &EventPatch, _: &TestValues) -> Result<Updated, TestModeError> {
    Ok(Updated { success: true })
}
