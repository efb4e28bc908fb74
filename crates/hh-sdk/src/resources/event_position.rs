//! Describes where a search of events continues.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Where the next page of a search starts, see
/// [`EventPages::position`](crate::EventPages::position).
///
/// A position can be saved, for example as JSON, to continue the search in another process.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EventPosition(pub(super) Place);

impl Default for EventPosition {
    /// Returns the position of the first page.
    fn default() -> Self {
        Self(Place::Cursor(String::new()))
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Place {
    /// The cursor of the next page; empty for the first page.
    Cursor(String),
    /// The position of a search on a server without cursors.
    Time(TimePlace),
    /// The last page was read.
    End,
}

/// A position by start time. All events that start after `bound` were returned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct TimePlace {
    /// The start time of the last event, in Unix milliseconds; `None` before the first page.
    pub(super) bound: Option<f64>,
    /// The ids of the returned events that start at this time.
    pub(super) known: Vec<Uuid>,
    /// The number of the next page of the events that start at this time or earlier.
    pub(super) page: u32,
}

impl TimePlace {
    pub(super) const START: Self = Self {
        bound: None,
        known: Vec::new(),
        page: 1,
    };
}
