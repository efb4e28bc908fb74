//! Deletes rows of events and sessions, and reduces the counts in the same transaction.

use hh_api::types::EventKind;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use uuid::Uuid;

use super::super::rollups::{Counted, Rollups, day_of};
use super::super::session_rows::kind_number;
use crate::domain::usage::Usage;
use crate::store::port::StoreError;

/// The primary key of an event.
#[derive(Clone, Debug)]
pub(super) struct EventKey {
    pub(super) sid: i64,
    pub(super) started: i64,
    pub(super) id: Vec<u8>,
}

/// The columns of an event that [`counted`] reads.
const COUNTED: &str = "kind, ended, error, input_tokens, output_tokens, cost";

/// Returns an event as the counts contain it, from a row that begins with [`COUNTED`].
fn counted(row: &Row<'_>, project: i64, started: i64) -> Result<Counted, rusqlite::Error> {
    Ok(Counted {
        project,
        kind: row.get(0)?,
        day: day_of(started),
        started,
        ended: row.get(1)?,
        usage: Usage {
            has_error: row.get(2)?,
            input_tokens: row.get(3)?,
            output_tokens: row.get(4)?,
            cost: row.get(5)?,
        },
    })
}

/// Finds the number of a session that is not being deleted.
pub(super) fn find_session(
    connection: &Connection,
    project: i64,
    id: Uuid,
) -> Result<Option<i64>, StoreError> {
    let found = connection
        .prepare_cached(
            "SELECT sid FROM sessions WHERE project = ?1 AND id = ?2
               AND sid NOT IN (SELECT sid FROM deleted_sessions WHERE project = ?1)",
        )?
        .query_row(params![project, id.as_bytes()], |row| row.get(0))
        .optional()?;
    Ok(found)
}

/// Finds the key of an event whose session is not being deleted.
pub(super) fn find_event(
    connection: &Connection,
    project: i64,
    id: Uuid,
) -> Result<Option<EventKey>, StoreError> {
    let found = connection
        .prepare_cached(
            "SELECT sid, started FROM events WHERE project = ?1 AND id = ?2
               AND sid NOT IN (SELECT sid FROM deleted_sessions WHERE project = ?1)",
        )?
        .query_row(params![project, id.as_bytes()], |row| {
            Ok(EventKey {
                sid: row.get(0)?,
                started: row.get(1)?,
                id: id.as_bytes().to_vec(),
            })
        })
        .optional()?;
    Ok(found)
}

/// Returns the number of events of a session.
pub(super) fn count_events(connection: &Connection, sid: i64) -> Result<u64, StoreError> {
    let count: i64 = connection
        .prepare_cached("SELECT count(*) FROM events WHERE sid = ?1")?
        .query_row([sid], |row| row.get(0))?;
    Ok(count.max(0).unsigned_abs())
}

/// Deletes an event; returns false if it does not exist.
pub(super) fn delete_event(
    connection: &Connection,
    project: i64,
    key: &EventKey,
    rollups: &mut Rollups,
) -> Result<bool, StoreError> {
    let deleted = connection
        .prepare_cached(&format!(
            "DELETE FROM events WHERE sid = ?1 AND started = ?2 AND id = ?3 AND project = ?4 RETURNING {COUNTED}"
        ))?
        .query_row(params![key.sid, key.started, key.id, project], |row| {
            counted(row, project, key.started)
        })
        .optional()?;
    if let Some(event) = &deleted {
        rollups.remove(event);
    }
    Ok(deleted.is_some())
}

/// Deletes the first events of a session, at most `limit`, and returns their number.
pub(super) fn delete_events(
    connection: &Connection,
    project: i64,
    sid: i64,
    limit: usize,
    rollups: &mut Rollups,
) -> Result<usize, StoreError> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {COUNTED}, started, id FROM events WHERE sid = ?1 ORDER BY started, id LIMIT ?2"
    ))?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut rows = statement.query([sid, limit])?;
    let (mut count, mut last) = (0, None);
    while let Some(row) = rows.next()? {
        let started = row.get(6)?;
        rollups.remove(&counted(row, project, started)?);
        last = Some((started, row.get::<_, Vec<u8>>(7)?));
        count += 1;
    }
    drop(rows);
    if let Some((started, id)) = last {
        connection
            .prepare_cached("DELETE FROM events WHERE sid = ?1 AND (started, id) <= (?2, ?3)")?
            .execute(params![sid, started, id])?;
    }
    Ok(count)
}

/// Deletes a session that has no events.
pub(super) fn delete_session(
    connection: &Connection,
    project: i64,
    sid: i64,
    rollups: &mut Rollups,
) -> Result<(), StoreError> {
    for sql in [
        "DELETE FROM large_bodies WHERE sid = ?1",
        "DELETE FROM deleted_sessions WHERE sid = ?1 AND project = ?2",
    ] {
        let mut statement = connection.prepare_cached(sql)?;
        let used = statement.parameter_count();
        statement.execute(rusqlite::params_from_iter([sid, project].iter().take(used)))?;
    }
    let deleted = connection
        .prepare_cached(
            "DELETE FROM sessions WHERE sid = ?1
             RETURNING day, started, ended, error, input_tokens, output_tokens, cost",
        )?
        .query_row([sid], |row| {
            Ok(Counted {
                project,
                kind: kind_number(EventKind::Session),
                day: row.get(0)?,
                started: row.get(1)?,
                ended: row.get(2)?,
                usage: Usage {
                    has_error: row.get(3)?,
                    input_tokens: row.get(4)?,
                    output_tokens: row.get(5)?,
                    cost: row.get(6)?,
                },
            })
        })
        .optional()?;
    if let Some(session) = &deleted {
        rollups.remove(session);
    }
    Ok(())
}
