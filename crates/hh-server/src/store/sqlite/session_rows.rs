//! Reads and writes rows of sessions and of their events.

use hh_api::types::EventKind;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use uuid::Uuid;

use crate::auth::ProjectAccess;
use crate::domain::event_body::EventBody;
use crate::domain::sessions::{Extent, UNNAMED};
use crate::store::commands::NewEvent;
use crate::store::page::StoredEvent;
use crate::store::port::StoreError;

/// Returns a row of either table as a borrowed event.
pub(super) fn stored_event<'a>(row: &'a Row<'_>) -> Result<StoredEvent<'a>, rusqlite::Error> {
    let text = |column: usize| Ok::<_, rusqlite::Error>(row.get_ref(column)?.as_str()?);
    Ok(StoredEvent {
        kind: kind_of(row.get(0)?),
        id: Uuid::from_bytes(row.get(1)?),
        session: Uuid::from_bytes(row.get(2)?),
        parent: row.get::<_, Option<_>>(3)?.map(Uuid::from_bytes),
        name: text(4)?,
        started: row.get(5)?,
        ended: row.get(6)?,
        body: row.get_ref(7)?.as_blob()?,
    })
}

pub(super) fn kind_number(kind: EventKind) -> i64 {
    EventKind::ALL
        .iter()
        .position(|other| *other == kind)
        .and_then(|at| i64::try_from(at).ok())
        .unwrap_or(0)
}

pub(super) fn kind_of(number: i64) -> EventKind {
    usize::try_from(number)
        .ok()
        .and_then(|at| EventKind::ALL.get(at).copied())
        .unwrap_or(EventKind::Tool)
}

/// Finds the session of an event, or creates it, because spans may arrive before the session is started.
pub(super) fn session_of(
    connection: &Connection,
    project: &ProjectAccess,
    event: &NewEvent,
) -> Result<i64, StoreError> {
    let found = connection
        .prepare_cached("SELECT sid FROM sessions WHERE project = ?1 AND id = ?2")?
        .query_row(params![project.number(), event.session.as_bytes()], |row| {
            row.get(0)
        })
        .optional()?;
    if let Some(sid) = found {
        return Ok(sid);
    }
    let body = EventBody {
        source: event.source.clone(),
        ..EventBody::default()
    };
    connection
        .prepare_cached(
            "INSERT INTO sessions (project, id, name, started, ended, implicit, body, family) VALUES (?1, ?2, ?3, ?4, ?5, 1, ?6, ?7)",
        )?
        .execute(params![
            project.number(),
            event.session.as_bytes(),
            event.session_name.as_deref().unwrap_or(UNNAMED),
            event.started,
            event.ended,
            body.encode()?,
            project.family(),
        ])?;
    Ok(connection.last_insert_rowid())
}

/// Moves the end of a session to the end of its events if they end later. The start of a session that spans created
/// without a start request is moved to the start of its events if they start earlier.
pub(super) fn extend_session(
    connection: &Connection,
    sid: i64,
    extent: Extent,
) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "UPDATE sessions SET ended = max(ended, ?2),
               started = CASE implicit WHEN 1 THEN min(started, ?3) ELSE started END
             WHERE sid = ?1 AND (ended < ?2 OR implicit = 1 AND started > ?3)",
        )?
        .execute(params![sid, extent.ended, extent.started])?;
    Ok(())
}
