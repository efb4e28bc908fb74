//! Reads all events that match a query, page by page.

use std::collections::{HashSet, VecDeque};

use hh_api::types::{Event, EventKind, ExportEvents, Filter, Operator};
use jiff::Timestamp;
use serde_json::json;
use uuid::Uuid;

use crate::{Error, HoneyHive};

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
}

/// The events that match a query. The next request is sent when the events of the last one were returned.
///
/// Events that are stored while the pages are read do not change which of the other events are returned, and no event is
/// returned twice.
#[derive(Debug)]
pub struct EventPages {
    client: HoneyHive,
    query: EventQuery,
    /// The start time of the last event, in Unix milliseconds. All later events were returned.
    bound: Option<f64>,
    /// The ids of the returned events that start at this time.
    at_bound: HashSet<Uuid>,
    /// The number of the next page of the events that start at this time or earlier.
    page: u32,
    limit: u32,
    unread: VecDeque<Event>,
    is_complete: bool,
}

impl EventPages {
    pub(super) fn new(client: HoneyHive, query: EventQuery) -> Self {
        let limit = query.page_size.unwrap_or(PAGE);
        Self {
            client,
            query,
            bound: None,
            at_bound: HashSet::new(),
            page: 1,
            limit,
            unread: VecDeque::new(),
            is_complete: false,
        }
    }

    /// Returns the next event; `None` after the last one.
    ///
    /// # Errors
    /// The [errors of every call](HoneyHive#errors). The next call repeats the failed request.
    pub async fn next(&mut self) -> Result<Option<Event>, Error> {
        loop {
            if let Some(event) = self.unread.pop_front() {
                return Ok(Some(event));
            }
            if self.is_complete {
                return Ok(None);
            }
            self.read_page().await?;
        }
    }

    /// Reads the next page.
    async fn read_page(&mut self) -> Result<(), Error> {
        let found = self
            .client
            .export_events(ExportEvents {
                filters: self.query.filters.clone(),
                date_range: self.date_range(),
                limit: Some(self.limit),
                page: Some(self.page),
                ..ExportEvents::default()
            })
            .await?;
        let count = u32::try_from(found.events.len()).unwrap_or(u32::MAX);
        let Some(last) = found.events.last().map(|event| event.start_time) else {
            self.is_complete = true;
            return Ok(());
        };
        self.is_complete = count < self.limit && !found.truncated;
        let known = std::mem::take(&mut self.at_bound);
        if self.bound == Some(last) {
            // All events of the page start at the same time, so the bound cannot be lowered.
            self.at_bound.clone_from(&known);
            if found.truncated && self.limit > 1 {
                (self.limit, self.page) = (count.clamp(1, self.limit - 1), 1);
            } else {
                self.page += 1;
            }
        } else {
            (self.bound, self.page) = (Some(last), 1);
        }
        for event in found.events {
            if event.start_time.total_cmp(&last).is_eq() {
                self.at_bound.insert(event.event_id);
            }
            if !known.contains(&event.event_id) {
                self.unread.push_back(event);
            }
        }
        Ok(())
    }

    /// Returns the range of the next request.
    fn date_range(&self) -> Option<serde_json::Value> {
        let until = match self.bound {
            Some(millis) => Some(to_time(millis)),
            None => self.query.until,
        };
        if self.query.since.is_none() && until.is_none() {
            return None;
        }
        // The hosted service requires both bounds.
        let since = self.query.since.unwrap_or(Timestamp::UNIX_EPOCH);
        let until = until.map_or_else(
            || "9999-12-30T00:00:00Z".to_owned(),
            |time| time.to_string(),
        );
        Some(json!({ "$gte": since.to_string(), "$lte": until }))
    }
}

/// Converts the milliseconds of the API to a time. The server converts the time back to the same milliseconds.
#[expect(
    clippy::cast_possible_truncation,
    reason = "a float beyond the range saturates, and no event has such a time"
)]
fn to_time(millis: f64) -> Timestamp {
    let whole = millis.floor();
    let nanos = ((millis - whole) * 1e6).round() as i128;
    let nanos = (whole as i128)
        .saturating_mul(1_000_000)
        .saturating_add(nanos);
    Timestamp::from_nanosecond(nanos).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_converted_back_to_the_same_milliseconds() {
        for nanos in (0..5000).map(|step| 1_795_461_676_880_265_471_i64 + step * 997) {
            let millis = hh_api::to_millis(nanos);
            let back = i64::try_from(to_time(millis).as_nanosecond()).unwrap();
            assert_eq!(
                hh_api::to_millis(back).to_bits(),
                millis.to_bits(),
                "{nanos}"
            );
        }
    }
}
