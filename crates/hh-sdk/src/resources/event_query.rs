//! Describes which events a search returns.

use hh_api::types::{EventKind, ExportEvents, Filter, Operator};
use jiff::Timestamp;
use serde_json::json;

use super::event_position::EventPosition;

/// The usual number of events of a request.
const PAGE: u32 = 1000;

/// A query for events, see [`Events::search`](crate::Events::search).
///
/// Without conditions, it finds all events of the project.
///
/// # Examples
/// ```
/// use hh_sdk::api::types::{Filter, Operator};
/// use hh_sdk::{EventKind, EventQuery};
///
/// let query = EventQuery::new()
///     .with_kind(EventKind::Model)
///     .with_filter(Filter::new("metadata.cost", Operator::GreaterThan, 0.1));
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct EventQuery {
    filters: Vec<Filter>,
    since: Option<Timestamp>,
    until: Option<Timestamp>,
    page_size: Option<u32>,
    position: Option<EventPosition>,
}

impl EventQuery {
    /// Creates a query without conditions.
    pub fn new() -> Self {
        Self::default()
    }

    /// Finds only events that match a filter.
    pub fn with_filter(mut self, filter: Filter) -> Self {
        self.filters.push(filter);
        self
    }

    /// Finds only events of the session with this id.
    pub fn with_session(self, id: &str) -> Self {
        self.with_filter(Filter::is("session_id", id))
    }

    /// Finds only events of a type.
    pub fn with_kind(self, kind: EventKind) -> Self {
        self.with_filter(Filter::is("event_type", kind.as_str()))
    }

    /// Finds only events with a name.
    pub fn with_name(self, name: &str) -> Self {
        self.with_filter(Filter::is("event_name", name))
    }

    /// Finds only events with an error.
    pub fn with_error(self) -> Self {
        self.with_filter(Filter::new("error", Operator::Exists, ()))
    }

    /// Finds only events that start at this time or later.
    pub fn with_since(mut self, time: Timestamp) -> Self {
        self.since = Some(time);
        self
    }

    /// Finds only events that start at this time or earlier.
    pub fn with_until(mut self, time: Timestamp) -> Self {
        self.until = Some(time);
        self
    }

    /// Sets the maximum number of events of one request: 1 to 7,500, 1,000 by default.
    pub fn with_page_size(mut self, events: u32) -> Self {
        self.page_size = Some(events);
        self
    }

    /// Continues where another search with the same conditions stopped, see
    /// [`EventPages::position`](crate::EventPages::position).
    pub fn with_position(mut self, position: EventPosition) -> Self {
        self.position = Some(position);
        self
    }

    /// Returns the position where the search starts.
    pub(super) fn position(&self) -> EventPosition {
        self.position.clone().unwrap_or_default()
    }

    /// Returns the maximum number of events of one request.
    pub(super) fn page_size(&self) -> u32 {
        self.page_size.unwrap_or(PAGE)
    }

    /// Returns the request for events that also start at a time or earlier.
    pub(super) fn request(&self, bound: Option<Timestamp>) -> ExportEvents {
        ExportEvents {
            filters: self.filters.clone(),
            date_range: date_range(self.since, bound.or(self.until)),
            ..ExportEvents::default()
        }
    }
}

/// Returns the range of start times of a request.
fn date_range(since: Option<Timestamp>, until: Option<Timestamp>) -> Option<serde_json::Value> {
    if since.is_none() && until.is_none() {
        return None;
    }
    // The hosted service requires both bounds.
    let since = since.unwrap_or(Timestamp::UNIX_EPOCH);
    let until = until.map_or_else(
        || "9999-12-30T00:00:00Z".to_owned(),
        |time| time.to_string(),
    );
    Some(json!({ "$gte": since.to_string(), "$lte": until }))
}
