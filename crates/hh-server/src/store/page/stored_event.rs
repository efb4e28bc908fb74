//! Defines a stored event that borrows from its row.

use hh_api::types::EventKind;
use uuid::Uuid;

use crate::domain::filter::Candidate;

/// A stored event. Times are nanoseconds since 1970.
#[derive(Debug)]
pub(crate) struct StoredEvent<'a> {
    pub(crate) id: Uuid,
    pub(crate) session: Uuid,
    pub(crate) parent: Option<Uuid>,
    pub(crate) kind: EventKind,
    pub(crate) name: &'a str,
    pub(crate) started: i64,
    pub(crate) ended: i64,
    pub(crate) body: &'a [u8],
}

impl<'a> StoredEvent<'a> {
    /// Returns the event for the evaluation of a filter. `project` is the public id of the project.
    pub(crate) fn candidate(&self, project: &'a str) -> Candidate<'a> {
        Candidate {
            id: self.id,
            session: self.session,
            parent: self.parent,
            kind: self.kind,
            name: self.name,
            project,
            started: self.started,
            ended: self.ended,
            body: self.body,
        }
    }
}
