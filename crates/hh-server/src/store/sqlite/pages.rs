//! Reads pages of events.
//!
//! A query finds the keys of a page in the order of an index, without a sort, and then reads only the rows of that
//! page. Events are ordered by start time, latest first. Events with the same start time are ordered by session, newest
//! first, and within a session by descending id, with the session itself last.

mod keys;

use std::time::Duration;

use hh_api::types::EventKind;
use rusqlite::{CachedStatement, Connection, ErrorCode, Rows, params};

use super::engine::Sqlite;
use super::large_bodies;
use super::reader::Stop;
use super::rollups;
use super::session_rows::{kind_number, stored_event};
use crate::auth::ProjectAccess;
use crate::domain::Refusal;
use crate::store::commands::{MAX_COUNTED, MAX_OFFSET, PageStart, ReadEvents};
use crate::store::page::{PageBuilder, PageEnd, Position};
use crate::store::port::{Page, Read, StoreError};
use keys::{Keys, has_counts};

/// How long a query waits for other queries of the same key.
const MAX_WAIT: Duration = Duration::from_secs(20);

impl Read<ReadEvents> for Sqlite {
    async fn read(&self, project: &ProjectAccess, query: ReadEvents) -> Result<Page, StoreError> {
        if offset(&query) > MAX_OFFSET {
            return Err(Refusal::Invalid(format!(
                "the page is beyond the first {MAX_OFFSET} events; use a filter or a time range"
            ))
            .into());
        }
        let (number, public) = (project.number(), project.public().to_owned());
        let live = self.check_live(project.key());
        let _turn = self.event_turns.wait(project.family(), MAX_WAIT).await?;
        self.limit_log().await?;
        self.readers
            .read_events(query.time_limit, move |connection, stop| {
                live(connection)?;
                read_page(connection, number, &public, &query, stop)
            })
            .await
    }
}

/// Returns the number of events before the page.
fn offset(query: &ReadEvents) -> u64 {
    match query.start {
        PageStart::Number(page) => u64::from(page) * u64::from(query.limit),
        PageStart::Cursor(_) => 0,
    }
}

/// Returns the number of matching events if it needs no search for them.
fn known_total(
    connection: &Connection,
    project: i64,
    query: &ReadEvents,
) -> Result<Option<u64>, StoreError> {
    let kind = query.kind.map(kind_number);
    if !has_counts(query) {
        return Ok(None);
    }
    let Some(session) = query.session else {
        return rollups::total(connection, project, kind).map(Some);
    };
    let session = params![project, session.as_bytes()];
    let count = |sql: &str, values: &[&dyn rusqlite::ToSql]| -> Result<u64, StoreError> {
        let mut statement = connection.prepare_cached(sql)?;
        let count = statement.query_row(values, |row| row.get::<_, i64>(0))?;
        Ok(count.max(0).unsigned_abs())
    };
    let mut total = 0;
    if query.kind.is_none_or(|kind| kind == EventKind::Session) {
        let sql = "SELECT count(*) FROM sessions WHERE project = ?1 AND id = ?2";
        total += count(sql, session)?;
    }
    if query.kind != Some(EventKind::Session) {
        let events = "SELECT count(*) FROM sessions s CROSS JOIN events e USING (sid)
          WHERE s.project = ?1 AND s.id = ?2";
        total += match kind {
            None => count(events, session)?,
            Some(kind) => {
                let sql = format!("{events} AND e.kind = ?3");
                count(&sql, &[session[0], session[1], &kind])?
            }
        };
    }
    Ok(Some(total))
}

/// The statements that read the row of a key.
struct RowReader<'a> {
    session: CachedStatement<'a>,
    event: CachedStatement<'a>,
}

impl<'a> RowReader<'a> {
    fn new(connection: &'a Connection) -> Result<Self, StoreError> {
        let session = connection.prepare_cached(&format!(
            "SELECT 0, id, id, NULL, name, started, ended, {} FROM sessions WHERE sid = ?1",
            large_bodies::BODY
        ))?;
        let event = connection.prepare_cached(
            "SELECT e.kind, e.id, s.id, e.parent, e.name, e.started, e.ended, e.body
            FROM events e JOIN sessions s USING (sid) WHERE e.sid = ?1 AND e.started = ?2 AND e.id = ?3",
        )?;
        Ok(Self { session, event })
    }

    fn read(&mut self, position: Position) -> Result<Rows<'_>, rusqlite::Error> {
        match position.id {
            Some(id) => self
                .event
                .query(params![position.sid, position.started, id]),
            None => self.session.query([position.sid]),
        }
    }
}

/// The progress of a query.
struct Progress {
    /// The number of matching events that were passed, with those before the page.
    passed: u64,
    /// The last event of the page.
    last: Option<Position>,
    /// The last event that was compared with the filters.
    compared: Option<Position>,
    /// Whether the page has fewer events than its limit because they are large.
    truncated: bool,
    end: End,
}

/// The reason why a query ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// No more events match.
    Complete,
    /// More events may match.
    More,
    /// The query exceeded its time limit, or its client has disconnected.
    Stopped,
}

fn read_page(
    connection: &Connection,
    project: i64,
    public: &str,
    query: &ReadEvents,
    stop: &Stop,
) -> Result<Page, StoreError> {
    // All rows are read from one snapshot, so that concurrent writes do not matter.
    let snapshot = connection.unchecked_transaction()?;
    let offset = offset(query);
    let keys = Keys::new(&snapshot, project, query, offset)?;
    // The counts contain the events that are still to be deleted.
    let known = if keys.has_hidden() {
        None
    } else {
        known_total(&snapshot, project, query)?
    };
    let skipped = keys.skipped();
    let mut statement = snapshot.prepare_cached(&keys.sql())?;
    let mut page = PageBuilder::new();
    let found = scan(
        keys.run(&mut statement)?,
        RowReader::new(&snapshot)?,
        &Search {
            query,
            offset,
            skipped,
            has_total: known.is_some(),
            public,
        },
        &mut page,
        stop,
    )?;
    let end = offset + u64::from(query.limit);
    let is_full = found.truncated || found.passed >= end;
    let next = match (query.start, found.end) {
        (PageStart::Number(_), End::Stopped) if !is_full => return Err(stop.error()),
        (PageStart::Number(_), _) => None,
        // The events between the last one of the page and this one do not match.
        (PageStart::Cursor(_), End::Stopped) if !is_full => {
            Some(found.compared.ok_or_else(|| stop.error())?)
        }
        (PageStart::Cursor(_), End::Complete) if found.passed <= end && !found.truncated => None,
        (PageStart::Cursor(_), _) => found.last,
    };
    let is_first = !matches!(query.start, PageStart::Cursor(Some(_)));
    let counted = match found.end {
        // The page is after the last event, so the number of skipped events is not known.
        End::Complete if skipped > 0 && found.passed == skipped && known.is_none() => {
            Some(keys.count(&snapshot)?)
        }
        End::Complete if is_first => Some(found.passed),
        End::Complete | End::More | End::Stopped => None,
    };
    let total = known.or(counted);
    let least = match (query.start, found.end) {
        // More events may follow, so that clients that read page after page must continue.
        (PageStart::Number(_), End::Stopped) => end + 1,
        _ => found.passed.min(end + 1),
    };
    Ok(page.finish(PageEnd {
        total: total.unwrap_or(least),
        is_exact: total.is_some(),
        truncated: found.truncated && next.is_none(),
        next,
    }))
}

/// What a scan over keys searches.
struct Search<'a> {
    query: &'a ReadEvents,
    /// The number of matching events before the page.
    offset: u64,
    /// The number of matching events before the first key.
    skipped: u64,
    /// Whether the total is known, so that the events after the page are not counted.
    has_total: bool,
    /// The id of the project.
    public: &'a str,
}

/// Adds the events of a page, and counts those after it.
fn scan(
    mut keys: Rows<'_>,
    mut rows: RowReader<'_>,
    search: &Search<'_>,
    page: &mut PageBuilder,
    stop: &Stop,
) -> Result<Progress, StoreError> {
    let query = search.query;
    let end = search.offset + u64::from(query.limit);
    let counts_more = !search.has_total && !matches!(query.start, PageStart::Cursor(Some(_)));
    let last_counted = if counts_more { end + MAX_COUNTED } else { end };
    let mut progress = Progress {
        passed: search.skipped,
        last: None,
        compared: None,
        truncated: false,
        end: End::Complete,
    };
    loop {
        let key = match keys.next() {
            Ok(Some(key)) => key,
            Ok(None) => return Ok(progress),
            Err(error) if is_interrupted(&error) => break,
            Err(error) => return Err(error.into()),
        };
        // SQLite checks this after many instructions, and the rest of the loop uses more time than they do.
        if stop.is_over() {
            break;
        }
        let position = Position {
            started: key.get(0)?,
            sid: key.get(1)?,
            id: key.get(2)?,
        };
        let is_on_page = progress.passed >= search.offset && progress.passed < end;
        if query.predicate.is_some() || is_on_page && !progress.truncated {
            let mut found = match rows.read(position) {
                Err(error) if is_interrupted(&error) => break,
                found => found?,
            };
            let row = match found.next() {
                Err(error) if is_interrupted(&error) => break,
                row => row?.ok_or(rusqlite::Error::QueryReturnedNoRows)?,
            };
            let event = stored_event(row)?;
            let matches = query
                .predicate
                .as_ref()
                .is_none_or(|predicate| predicate.matches(&event));
            if !matches {
                progress.compared = Some(position);
                continue;
            }
            if is_on_page && !progress.truncated {
                progress.truncated = !page.push(&event, search.public)?;
                if !progress.truncated {
                    progress.last = Some(position);
                }
            }
        }
        // A truncated page of a known total is complete. Otherwise the events up to its regular end are still counted,
        // because clients that read pages by number compare the total with that end.
        if progress.passed >= last_counted || progress.truncated && !counts_more {
            progress.passed += 1;
            progress.end = End::More;
            return Ok(progress);
        }
        progress.compared = Some(position);
        progress.passed += 1;
    }
    progress.end = End::Stopped;
    Ok(progress)
}

fn is_interrupted(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::OperationInterrupted)
}

#[cfg(test)]
mod tests;
