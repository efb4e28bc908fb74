//! Reading pages of events.
//!
//! A page is found by keys in the order of an index, without a sort; only then are the rows of that page read. Events
//! come the latest start first. Of those that start at the same time the ones of the newer session come first, and in
//! a session those with the greater id, the session itself last.

use std::time::Duration;

use hh_api::types::EventKind;
use rusqlite::{CachedStatement, Connection, Row, Rows, params};
use uuid::Uuid;

use super::events::{kind_number, kind_of};
use super::large_bodies;
use super::page::{Page, StoredEvent};
use super::{Store, StoreError};
use crate::access::InProject;

/// How long a query waits for other queries with the same key.
const MAX_WAIT: Duration = Duration::from_secs(10);

/// Which events to read; the page starts at 0.
#[derive(Clone, Debug)]
pub(crate) struct EventQuery {
    pub(crate) session: Option<Uuid>,
    pub(crate) kind: Option<EventKind>,
    pub(crate) limit: u32,
    pub(crate) page: u32,
}

impl Store {
    /// Reads a page of events and renders it as an [`EventList`](hh_api::types::EventList). Dropping the future stops
    /// the query.
    ///
    /// The total is exact on the page that reaches the end and on those after it. While more events follow, it is one
    /// more than the place where the page ends: no request counts what it does not pass.
    pub(crate) async fn events(
        &self,
        project: &InProject,
        query: EventQuery,
    ) -> Result<Vec<u8>, StoreError> {
        let (number, public) = (project.number(), project.public().to_owned());
        let still = self.still(project.key());
        let _turn = self.event_turns.wait(project.family(), MAX_WAIT).await?;
        self.limit_log().await?;
        self.readers
            .read_events(move |connection| {
                still(connection)?;
                read_page(connection, number, &public, &query)
            })
            .await
    }
}

/// The keys of all rows that match, in order: time, session, and the event's id, which is null for the session.
fn keys(query: &EventQuery) -> String {
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

/// Runs the query for the keys.
fn run_keys<'a>(
    statement: &'a mut CachedStatement<'_>,
    project: i64,
    query: &EventQuery,
) -> Result<Rows<'a>, rusqlite::Error> {
    // Each query has the first few of these.
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
    query: &EventQuery,
) -> Result<Vec<u8>, StoreError> {
    // One snapshot for all, whatever is written meanwhile.
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
    let mut page = Page::new();
    let begin = u64::from(query.page) * u64::from(query.limit);
    let end = begin + u64::from(query.limit);
    let (mut passed, mut truncated) = (0, false);
    while let Some(key) = keys.next()? {
        if passed == end {
            return Ok(page.finish(end + 1, truncated));
        }
        // A page that is cut short goes on to its end without reading events: clients that read the pages by number
        // compare the total with that end.
        if passed >= begin && !truncated {
            let (started, sid): (i64, i64) = (key.get(0)?, key.get(1)?);
            let mut found = match key.get::<_, Option<[u8; 16]>>(2)? {
                Some(id) => event.query(params![sid, started, id])?,
                None => session.query([sid])?,
            };
            let row = found.next()?.ok_or(rusqlite::Error::QueryReturnedNoRows)?;
            truncated = !page.push(&stored_event(row)?, public)?;
        }
        passed += 1;
    }
    Ok(page.finish(passed, truncated))
}

/// Borrows a row of either table.
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

#[cfg(test)]
mod tests;
