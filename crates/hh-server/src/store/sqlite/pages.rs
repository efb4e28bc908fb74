//! Reads pages of events.
//!
//! A query finds the keys of a page in the order of an index, without a sort, and then reads only the rows of that
//! page. Events are ordered by start time, latest first. Events with the same start time are ordered by session, newest
//! first, and within a session by descending id, with the session itself last.

use std::time::Duration;

use hh_api::types::EventKind;
use rusqlite::{CachedStatement, Connection, Rows, params};

use super::engine::Sqlite;
use super::large_bodies;
use super::session_rows::{kind_number, stored_event};
use crate::auth::ProjectAccess;
use crate::store::commands::ReadEvents;
use crate::store::page::PageBuilder;
use crate::store::port::{Page, Read, StoreError};

/// How long a query waits for other queries of the same key.
const MAX_WAIT: Duration = Duration::from_secs(10);

impl Read<ReadEvents> for Sqlite {
    async fn read(&self, project: &ProjectAccess, query: ReadEvents) -> Result<Page, StoreError> {
        let (number, public) = (project.number(), project.public().to_owned());
        let live = self.check_live(project.key());
        let _turn = self.event_turns.wait(project.family(), MAX_WAIT).await?;
        self.limit_log().await?;
        self.readers
            .read_events(move |connection| {
                live(connection)?;
                read_page(connection, number, &public, &query)
            })
            .await
    }
}

/// Returns the SQL for the ordered keys of all matching rows: time, session, and id of the event, which is null for the
/// session itself.
fn keys(query: &ReadEvents) -> String {
    const SESSIONS: &str = "SELECT started, sid, NULL AS id FROM sessions WHERE project = ?1";
    const EVENTS: &str = "SELECT started, sid, id FROM events WHERE project = ?1";
    const EVENTS_OF_ONE: &str =
        "SELECT e.started, e.sid, e.id FROM sessions s CROSS JOIN events e USING (sid)
        WHERE s.project = ?1 AND s.id = ?2";

    let (session, events) = match query.session {
        Some(_) => (format!("{SESSIONS} AND id = ?2"), EVENTS_OF_ONE),
        None => (SESSIONS.to_owned(), EVENTS),
    };
    let rows = match query.kind {
        Some(EventKind::Session) => session,
        Some(_) => format!("{events} AND kind = ?3"),
        None => format!("{session} UNION ALL {events}"),
    };
    format!("{rows} ORDER BY 1 DESC, 2 DESC, 3 DESC")
}

/// Runs the SQL of [`keys`].
fn run_keys<'a>(
    statement: &'a mut CachedStatement<'_>,
    project: i64,
    query: &ReadEvents,
) -> Result<Rows<'a>, rusqlite::Error> {
    // Each query uses the first few of these parameters.
    let used = statement.parameter_count();
    for number in 1..=used {
        match number {
            1 => statement.raw_bind_parameter(1, project)?,
            2 => statement.raw_bind_parameter(2, query.session.map(|id| *id.as_bytes()))?,
            _ => statement.raw_bind_parameter(3, query.kind.map(kind_number))?,
        }
    }
    Ok(statement.raw_query())
}

fn read_page(
    connection: &Connection,
    project: i64,
    public: &str,
    query: &ReadEvents,
) -> Result<Page, StoreError> {
    // All rows are read from one snapshot, so that concurrent writes do not matter.
    let snapshot = connection.unchecked_transaction()?;
    let mut keys = snapshot.prepare_cached(&keys(query))?;
    let mut keys = run_keys(&mut keys, project, query)?;
    let mut session = snapshot.prepare_cached(&format!(
        "SELECT 0, id, id, NULL, name, started, ended, {} FROM sessions WHERE sid = ?1",
        large_bodies::BODY
    ))?;
    let mut event = snapshot.prepare_cached(
        "SELECT e.kind, e.id, s.id, e.parent, e.name, e.started, e.ended, e.body
        FROM events e JOIN sessions s USING (sid) WHERE e.sid = ?1 AND e.started = ?2 AND e.id = ?3",
    )?;
    let mut page = PageBuilder::new();
    let begin = u64::from(query.page) * u64::from(query.limit);
    let end = begin + u64::from(query.limit);
    let (mut passed, mut truncated) = (0, false);
    let filter = query.filter.as_deref();
    while let Some(key) = keys.next()? {
        if passed == end && filter.is_none() {
            return Ok(page.finish(end + 1, truncated));
        }
        // A truncated page still counts keys to its regular end without reading events, because clients that read pages
        // by number compare the total with that end.
        if filter.is_some() || passed >= begin && !truncated {
            let (started, sid): (i64, i64) = (key.get(0)?, key.get(1)?);
            let mut found = match key.get::<_, Option<[u8; 16]>>(2)? {
                Some(id) => event.query(params![sid, started, id])?,
                None => session.query([sid])?,
            };
            let row = found.next()?.ok_or(rusqlite::Error::QueryReturnedNoRows)?;
            let stored = stored_event(row)?;
            if filter.is_some_and(|filter| !filter.matches(&stored.candidate(public))) {
                continue;
            }
            if passed == end {
                return Ok(page.finish(end + 1, truncated));
            }
            if passed >= begin && !truncated {
                truncated = !page.push(&stored, public)?;
            }
        }
        passed += 1;
    }
    Ok(page.finish(passed, truncated))
}

#[cfg(test)]
mod tests;
