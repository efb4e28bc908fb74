//! The entry point of the fuzz target `event_filter`.

use hh_api::types::{self, EventKind};
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use crate::domain::event_body::EventBody;
use crate::domain::filter::{Candidate, Filter};

/// A search and an event.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Search {
    filters: Vec<types::Filter>,
    date_range: Option<Value>,
    event: SearchedEvent,
}

/// The columns and the body of the event.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct SearchedEvent {
    session: Uuid,
    name: String,
    /// In nanoseconds since 1970.
    started: i64,
    /// In nanoseconds.
    takes: u32,
    #[serde(flatten)]
    body: EventBody,
}

/// What a search decides about an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "only the fuzz target uses it")]
pub struct Decision {
    /// Whether the event meets all conditions.
    pub matches: bool,
    /// Whether the indexes that the search uses find the event.
    pub is_found: bool,
    /// Whether the search uses only indexes, without an evaluation of the conditions.
    pub uses_only_indexes: bool,
}

/// Evaluates a search on an event, both as JSON; returns `None` if the input or the search is invalid.
#[must_use]
pub fn event_filter(data: &[u8]) -> Option<Decision> {
    let search: Search = serde_json::from_slice(data).ok()?;
    let filter = Filter::parse(&search.filters, search.date_range.as_ref()).ok()?;
    let event = search.event;
    let body = event.body.encode().ok()?;
    let candidate = Candidate {
        id: Uuid::nil(),
        session: event.session,
        parent: Some(event.session),
        kind: EventKind::Tool,
        name: &event.name,
        project: "project",
        started: event.started,
        ended: event.started.saturating_add(event.takes.into()),
        body: &body,
    };
    let plan = filter.plan();
    Some(Decision {
        matches: filter.matches(&candidate),
        is_found: plan.finds(&candidate, event.body.error.is_some()),
        uses_only_indexes: plan.is_complete,
    })
}
