//! Renders a page of events as the body of a response, row by row, so that its size is known after each event.

mod members;
mod render;
mod stored_event;

use std::fmt;
use std::sync::Arc;

use serde_json::Value;

use super::port::StoreError;
use crate::hex;
use render::append;
pub(crate) use stored_event::StoredEvent;

/// The maximum size of a page that has more than one event, in bytes.
pub(super) const MAX_PAGE: usize = 8 * 1024 * 1024;
/// The maximum size of the text after the last event, in bytes.
const MAX_END: usize = 256;

/// The position of an event in the order of a list: by start time, session and id, each descending. The session itself
/// follows its events with the same start time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Position {
    /// The start time in nanoseconds since 1970.
    pub(super) started: i64,
    /// The number of the session.
    pub(super) sid: i64,
    /// The id of the event; `None` for the session itself.
    pub(super) id: Option<[u8; 16]>,
}

impl Position {
    /// Returns the position as a cursor.
    fn encode(&self) -> String {
        let mut bytes = self.started.to_be_bytes().to_vec();
        bytes.extend(self.sid.to_be_bytes());
        bytes.extend(self.id.into_iter().flatten());
        hex::encode(&bytes)
    }

    /// Reads a cursor; returns `None` for any other text.
    pub(crate) fn parse(cursor: &str) -> Option<Self> {
        let bytes = hex::decode(cursor)?;
        let (started, rest) = bytes.split_first_chunk()?;
        let (sid, id) = rest.split_first_chunk()?;
        let id = match id {
            [] => None,
            id => Some(id.try_into().ok()?),
        };
        Some(Self {
            started: i64::from_be_bytes(*started),
            sid: i64::from_be_bytes(*sid),
            id,
        })
    }
}

/// A condition for events that the engine cannot check with an index.
#[derive(Clone)]
pub(crate) struct EventPredicate(Arc<dyn Fn(&StoredEvent<'_>) -> bool + Send + Sync>);

impl EventPredicate {
    pub(crate) fn new(matches: impl Fn(&StoredEvent<'_>) -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(matches))
    }

    pub(super) fn matches(&self, event: &StoredEvent<'_>) -> bool {
        (self.0)(event)
    }
}

impl fmt::Debug for EventPredicate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("EventPredicate")
    }
}

/// A page of events, rendered as the JSON of an [`EventList`](hh_api::types::EventList). Values in memory would be many
/// times as large.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) json: Vec<u8>,
    /// The events of a page with a number that did not fit into the JSON, which are read later.
    pub(crate) rest: Vec<Position>,
}

/// What follows the events of a page.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct PageEnd {
    pub(super) total: u64,
    /// Whether the total is the number of all events that match, and not only a lower bound.
    pub(super) is_exact: bool,
    /// The position that the next page starts after.
    pub(super) next: Option<Position>,
}

/// A builder of the JSON of an [`EventList`](hh_api::types::EventList).
pub(super) struct PageBuilder {
    json: Vec<u8>,
    /// The JSON of the id of the project.
    project: Vec<u8>,
    is_empty: bool,
}

impl PageBuilder {
    /// Creates an empty page. `project` is the public id of the project of its events.
    pub(super) fn new(project: &str) -> Self {
        Self {
            json: b"{\"events\":[".to_vec(),
            project: to_json(project),
            is_empty: true,
        }
    }

    /// Adds an event if it fits, and returns whether it did. The first event always fits.
    pub(super) fn push(&mut self, event: &StoredEvent<'_>) -> Result<bool, StoreError> {
        let before = self.json.len();
        // The rendered event contains all of the stored JSON, so its size is a lower bound that needs no rendering.
        if !self.is_empty && before + event.body.len() > MAX_PAGE - MAX_END {
            return Ok(false);
        }
        if !self.is_empty {
            self.json.push(b',');
        }
        append(&mut self.json, event, &self.project)?;
        if !self.is_empty && self.json.len() > MAX_PAGE - MAX_END {
            self.json.truncate(before);
            return Ok(false);
        }
        self.is_empty = false;
        Ok(true)
    }

    /// Completes the page. `rest` are the events of the page that did not fit.
    pub(super) fn finish(mut self, end: PageEnd, rest: Vec<Position>) -> Page {
        let total = end.total;
        let mut text = format!("],\"totalEvents\":{total},\"count\":{total}");
        if !end.is_exact {
            text.push_str(",\"total_is_exact\":false");
        }
        if let Some(next) = end.next {
            let next = next.encode();
            text.extend([",\"next\":\"", &next, "\""]);
        }
        text.push('}');
        self.json.extend_from_slice(text.as_bytes());
        Page {
            json: self.json,
            rest,
        }
    }
}

/// Renders one event without decoding its JSON into values.
pub(super) fn render(event: &StoredEvent<'_>, project: &str) -> Result<Vec<u8>, StoreError> {
    let mut json = Vec::new();
    append(&mut json, event, &to_json(project))?;
    Ok(json)
}

fn to_json(text: &str) -> Vec<u8> {
    Value::from(text).to_string().into_bytes()
}

#[cfg(test)]
mod tests;
