//! Reads pages of events.
//!
//! A query finds the keys of a page in the order of an index, without a sort, and reads only the rows of that page.
//! Events are ordered by start time, latest first. Events with the same start time are ordered by session, newest
//! first, and within a session by descending id, with the session itself last.
//!
//! The start of a session can move while a client reads page after page. In a list with cursors, the place of a session
//! is therefore its start at the time of its creation, so that no page contains it again.

mod keys;
mod rest;
mod scan;

use std::time::Duration;

use hh_api::types::EventKind;
use rusqlite::{Connection, params};
use uuid::Uuid;

use super::engine::Sqlite;
use super::reader::Stop;
use super::rollups;
use super::session_rows::kind_number;
use crate::auth::ProjectAccess;
use crate::domain::Refusal;
use crate::store::commands::{MAX_OFFSET, PageStart, ReadEvents};
use crate::store::page::{Page, PageEnd};
use crate::store::port::{Read, StoreError};
use keys::{Columns, Keys, has_counts};
use scan::{End, Limits, RowReader, Scan};

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
                // All rows are read from one snapshot, so that concurrent writes do not matter.
                let snapshot = connection.unchecked_transaction()?;
                live(&snapshot)?;
                read_page(&snapshot, number, &public, &query, stop)
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

/// Counts the events of the session of a query, with the session itself.
fn count_session(
    connection: &Connection,
    project: i64,
    session: Uuid,
    kind: Option<EventKind>,
) -> Result<u64, StoreError> {
    let session = params![project, session.as_bytes()];
    let count = |sql: &str, values: &[&dyn rusqlite::ToSql]| -> Result<u64, StoreError> {
        let mut statement = connection.prepare_cached(sql)?;
        let count = statement.query_row(values, |row| row.get::<_, i64>(0))?;
        Ok(count.max(0).unsigned_abs())
    };
    let mut total = 0;
    if kind.is_none_or(|kind| kind == EventKind::Session) {
        let sql = "SELECT count(*) FROM sessions WHERE project = ?1 AND id = ?2";
        total += count(sql, session)?;
    }
    if kind != Some(EventKind::Session) {
        let events = "SELECT count(*) FROM sessions s CROSS JOIN events e USING (sid)
          WHERE s.project = ?1 AND s.id = ?2";
        total += match kind.map(kind_number) {
            None => count(events, session)?,
            Some(kind) => {
                let sql = format!("{events} AND e.kind = ?3");
                count(&sql, &[session[0], session[1], &kind])?
            }
        };
    }
    Ok(total)
}

fn read_page(
    connection: &Connection,
    project: i64,
    public: &str,
    query: &ReadEvents,
    stop: &Stop,
) -> Result<Page, StoreError> {
    let offset = offset(query);
    let mut keys = Keys::new(connection, project, query, offset)?;
    let is_first = !matches!(query.start, PageStart::Cursor(Some(_)));
    // The counts contain the events that are still to be deleted.
    let has_counts = is_first && !keys.has_hidden() && has_counts(query);
    let known = if has_counts && query.session.is_none() {
        let kind = query.kind.map(kind_number);
        Some(rollups::total(connection, project, kind)?)
    } else {
        None
    };
    let skipped = keys.skipped();
    let mut scan = Scan::new(
        query,
        Limits {
            offset,
            total: known,
            counts_more: is_first && !has_counts,
        },
        public,
        skipped,
    );
    if let Some(range) = keys.range_of_rows() {
        let mut statement = connection.prepare_cached(&keys.sql(range, Columns::Rows))?;
        let read = scan.read_rows(keys.run(&mut statement, range)?, stop)?;
        keys.skip(read);
    }
    if !scan.has_ended() {
        let mut rows = RowReader::new(connection)?;
        while let Some(range) = keys.next_range(connection)? {
            let mut statement = connection.prepare_cached(&keys.sql(range, Columns::Keys))?;
            scan.read_keys(keys.run(&mut statement, range)?, &mut rows, stop)?;
            if scan.has_ended() {
                break;
            }
        }
    }
    let (found, page) = scan.finish();
    let end = offset + u64::from(query.limit);
    // The events of a page with a number that do not fit are read later, so all of them must be known.
    let has_cursor = matches!(query.start, PageStart::Cursor(_));
    let is_full = has_cursor && found.is_full || found.passed >= end;
    let next = match (query.start, found.end) {
        (PageStart::Number(_), End::Stopped) if !is_full => return Err(stop.error()),
        (PageStart::Number(_), _) => None,
        // The events between the last one of the page and this one do not match.
        (PageStart::Cursor(_), End::Stopped) if !is_full => {
            Some(found.compared.ok_or_else(|| stop.error())?)
        }
        (PageStart::Cursor(_), End::Complete) if found.passed <= end && !found.is_full => None,
        (PageStart::Cursor(_), _) => found.last,
    };
    let counted = match found.end {
        // The page is after the last event, so the number of skipped events is not known.
        End::Complete if skipped > 0 && found.passed == skipped && known.is_none() => {
            Some(keys.count_all(connection)?)
        }
        End::Complete if is_first => Some(found.passed),
        End::More if has_counts && let Some(session) = query.session => {
            Some(count_session(connection, project, session, query.kind)?)
        }
        End::Complete | End::More | End::Stopped => None,
    };
    let total = known.or(counted);
    let least = match (query.start, found.end) {
        // More events may follow, so that clients that read page after page must continue.
        (PageStart::Number(_), End::Stopped) => end + 1,
        _ => found.passed.min(end + 1),
    };
    Ok(page.finish(
        PageEnd {
            total: total.unwrap_or(least),
            is_exact: total.is_some(),
            next,
        },
        found.rest,
    ))
}

#[cfg(test)]
mod tests;
