//! Defines the commands and queries that delete events, sessions and projects.

use uuid::Uuid;

use super::port::{Command, Query};
use crate::auth::{ProjectAccess, ServerAccess};
use crate::domain::user_property::UserProperty;

/// What to delete of a project.
#[derive(Clone, Debug)]
pub(crate) enum DeletionTarget {
    /// An event. Its child events stay.
    Event(Uuid),
    /// A session with all its events.
    Session(Uuid),
    /// The events that have the property, and the sessions that have it with all their events.
    User(UserProperty),
    /// The project itself with all its sessions.
    Project,
}

/// Deletes a part of a project.
///
/// Many rows are deleted in parts. After the first part, no query finds the session or the project that is deleted, and
/// new events of it are discarded until all of its rows are deleted. The events of a user are found one after another.
/// The answer is sent when everything is deleted, or before that if it takes long. The engine then continues, even
/// after a restart.
///
/// The error is `NotFound` if the event or the session does not exist, and `Conflict` if active keys that do not apply
/// to all projects apply to the project to delete.
#[derive(Clone, Debug)]
pub(crate) struct Delete {
    pub(crate) target: DeletionTarget,
}

/// Counts what [`Delete`] would delete.
#[derive(Clone, Debug)]
pub(crate) struct CountDeletion {
    pub(crate) target: DeletionTarget,
}

/// Numbers of deleted rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct DeletedRows {
    pub(crate) sessions: u64,
    pub(crate) events: u64,
    /// Whether the deletion continues after the answer.
    pub(crate) is_pending: bool,
}

impl DeletedRows {
    /// Returns a deletion that has not deleted a row yet.
    pub(crate) fn pending() -> Self {
        Self {
            is_pending: true,
            ..Self::default()
        }
    }

    /// Adds the numbers of another part.
    pub(crate) fn add(&mut self, part: Self) {
        self.sessions += part.sessions;
        self.events += part.events;
    }
}

/// The retention of a project.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RetentionRule {
    /// The number of the project.
    pub(crate) project: i64,
    /// The first time that is kept, in nanoseconds since 1970.
    pub(crate) before: i64,
}

/// Deletes the events that started before a time, and the sessions that ended before it and have no other events.
///
/// The answer is sent when they are deleted. Another command of this type replaces one that is not complete.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DeleteExpired {
    pub(crate) rule: RetentionRule,
}

impl Command for DeleteExpired {
    type Access = ServerAccess;
    type Answer = DeletedRows;
}

impl Command for Delete {
    type Access = ProjectAccess;
    type Answer = DeletedRows;
}

impl Query for CountDeletion {
    type Access = ProjectAccess;
    type Answer = DeletedRows;
}
