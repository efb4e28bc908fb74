//! The columns and the body of an event.

use hh_api::types::EventKind;
use uuid::Uuid;

/// A stored event to evaluate a filter on. Times are nanoseconds since 1970.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Candidate<'a> {
    pub(crate) id: Uuid,
    pub(crate) session: Uuid,
    pub(crate) parent: Option<Uuid>,
    pub(crate) kind: EventKind,
    pub(crate) name: &'a str,
    /// The public id of the project.
    pub(crate) project: &'a str,
    pub(crate) started: i64,
    pub(crate) ended: i64,
    /// An encoded [`EventBody`](crate::domain::event_body::EventBody).
    pub(crate) body: &'a [u8],
}
