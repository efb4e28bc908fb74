//! Hides sessions that are being deleted from other commands and queries.

use rusqlite::{Connection, params};
use uuid::Uuid;

use crate::store::port::StoreError;

/// Returns whether a project has sessions that are being deleted. Queries must exclude them only then.
pub(in super::super) fn has_hidden(
    connection: &Connection,
    project: i64,
) -> Result<bool, StoreError> {
    let has_hidden = connection
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM deleted_sessions WHERE project = ?1)")?
        .query_row([project], |row| row.get(0))?;
    Ok(has_hidden)
}

/// Returns whether new events of a session must be discarded, because the session or its project is being deleted. They
/// are deleted with the others.
pub(in super::super) fn discards_events(
    connection: &Connection,
    project: i64,
    session: Uuid,
) -> Result<bool, StoreError> {
    let is_deleted = connection
        .prepare_cached(
            "SELECT coalesce((SELECT deleted FROM projects WHERE project = ?1), 0) = 1
               OR CASE WHEN EXISTS (SELECT 1 FROM deleted_sessions WHERE project = ?1)
                 THEN EXISTS (SELECT 1 FROM deleted_sessions WHERE project = ?1
                   AND sid = (SELECT sid FROM sessions WHERE project = ?1 AND id = ?2))
                 ELSE 0 END",
        )?
        .query_row(params![project, session.as_bytes()], |row| row.get(0))?;
    Ok(is_deleted)
}

/// Refuses to start a session that is being deleted.
pub(in super::super) fn refuse_start(
    connection: &Connection,
    project: i64,
    session: Uuid,
) -> Result<(), StoreError> {
    if discards_events(connection, project, session)? {
        return Err(StoreError::conflict(format!(
            "session {session} is being deleted; retry later"
        )));
    }
    Ok(())
}
