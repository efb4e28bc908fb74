//! Deletes sessions with all their events, in parts.

use rusqlite::{Connection, params};

use super::super::rollups::Rollups;
use super::rows;
use crate::store::deletions::DeletedRows;
use crate::store::port::StoreError;

/// Whether sessions are marked as deleted.
pub(super) const HAS_DELETED: &str = "SELECT EXISTS (SELECT 1 FROM deleted_sessions)";
/// Whether deleted projects have sessions.
pub(super) const HAS_DELETED_PROJECTS: &str = "SELECT EXISTS (
  SELECT 1 FROM projects p CROSS JOIN sessions s USING (project) WHERE p.deleted = 1)";

/// The maximum number of sessions in one part.
const SESSIONS: usize = 200;

/// The sessions to delete.
#[derive(Clone, Copy, Debug)]
pub(super) enum Source {
    /// The sessions that are marked as deleted.
    Deleted,
    /// The sessions of deleted projects.
    DeletedProjects,
}

/// A part of a session that was deleted.
#[derive(Debug)]
pub(super) struct SessionPart {
    pub(super) sid: i64,
    pub(super) rows: DeletedRows,
    /// Whether the session itself is deleted.
    pub(super) is_complete: bool,
}

/// Marks a session as deleted.
pub(super) fn mark(connection: &Connection, project: i64, sid: i64) -> Result<bool, StoreError> {
    let inserted = connection
        .prepare_cached("INSERT OR IGNORE INTO deleted_sessions VALUES (?1, ?2)")?
        .execute([project, sid])?;
    Ok(inserted > 0)
}

/// Deletes rows of the next sessions, at most about `limit`.
pub(super) fn delete_next(
    connection: &Connection,
    source: Source,
    limit: usize,
) -> Result<Vec<SessionPart>, StoreError> {
    let mut next = connection.prepare_cached(match source {
        Source::Deleted => "SELECT project, sid FROM deleted_sessions LIMIT ?1",
        Source::DeletedProjects => {
            "SELECT s.project, s.sid FROM projects p CROSS JOIN sessions s USING (project)
             WHERE p.deleted = 1 LIMIT ?1"
        }
    })?;
    let next: Vec<_> = next
        .query_map(
            params![i64::try_from(SESSIONS.min(limit)).unwrap_or(1)],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?
        .collect::<Result<_, _>>()?;
    delete(connection, &next, limit)
}

/// Deletes rows of sessions, at most about `limit`. The sessions are numbers of a project and of a session.
pub(super) fn delete(
    connection: &Connection,
    sessions: &[(i64, i64)],
    limit: usize,
) -> Result<Vec<SessionPart>, StoreError> {
    let (mut rollups, mut parts, mut left) = (Rollups::default(), Vec::new(), limit);
    for (project, sid) in sessions.iter().copied() {
        if left == 0 {
            break;
        }
        let events = rows::delete_events(connection, project, sid, left, &mut rollups)?;
        left -= events;
        let is_complete = left > 0;
        if is_complete {
            rows::delete_session(connection, project, sid, &mut rollups)?;
            left -= 1;
        }
        parts.push(SessionPart {
            sid,
            rows: DeletedRows {
                sessions: u64::from(is_complete),
                events: events as u64,
                is_pending: false,
            },
            is_complete,
        });
    }
    rollups.save(connection)?;
    Ok(parts)
}
