//! Reads the rows of a page in the order of their keys, and counts the events that follow the page.

use hh_api::types::EventKind;
use rusqlite::{CachedStatement, Connection, Rows, params};

use super::super::large_bodies;
use super::super::reader::Stop;
use super::super::session_rows::stored_event;
use crate::store::commands::{MAX_COUNTED, PageStart, ReadEvents};
use crate::store::error::{EngineErrorKind, StoreError};
use crate::store::page::{PageBuilder, Position, StoredEvent};

/// The number of events that are compared with a predicate after a page, which takes about the time of a count.
const MAX_COMPARED: u64 = 50_000;

/// The statements that read the row of a key.
pub(super) struct RowReader<'a> {
    session: CachedStatement<'a>,
    event: CachedStatement<'a>,
}

impl<'a> RowReader<'a> {
    pub(super) fn new(connection: &'a Connection) -> Result<Self, StoreError> {
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

    pub(super) fn read(&mut self, position: Position) -> Result<Rows<'_>, rusqlite::Error> {
        match position.id {
            Some(id) => self
                .event
                .query(params![position.sid, position.started, id]),
            None => self.session.query([position.sid]),
        }
    }
}

/// The reason why a query ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// No more events match.
    Complete,
    /// More events may match.
    More,
    /// The query exceeded its time limit, or its client has disconnected.
    Stopped,
}

/// The numbers that limit a scan.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// The number of matching events before the page.
    pub(super) offset: u64,
    /// The number of all matching events, if it is known.
    pub(super) total: Option<u64>,
    /// Whether the events after the page are counted.
    pub(super) counts_more: bool,
}

/// The progress of a query.
pub(super) struct Progress {
    /// The number of matching events that were passed, with those before the page.
    pub(super) passed: u64,
    /// The last event of the page.
    pub(super) last: Option<Position>,
    /// The last event that was compared with the filters.
    pub(super) compared: Option<Position>,
    /// Whether the events of the page have the maximum size.
    pub(super) is_full: bool,
    /// The events of a page with a number that follow those with the maximum size.
    pub(super) rest: Vec<Position>,
    pub(super) end: End,
}

/// A scan over the keys of a query.
pub(super) struct Scan<'a> {
    query: &'a ReadEvents,
    limits: Limits,
    page: PageBuilder,
    progress: Progress,
    /// The number of events that were compared after the page.
    compared_after: u64,
    has_ended: bool,
}

impl<'a> Scan<'a> {
    /// Creates a scan whose first key follows a number of matching events.
    pub(super) fn new(query: &'a ReadEvents, limits: Limits, public: &str, skipped: u64) -> Self {
        Self {
            query,
            limits,
            page: PageBuilder::new(public),
            progress: Progress {
                passed: skipped,
                last: None,
                compared: None,
                is_full: false,
                rest: Vec::new(),
                end: End::Complete,
            },
            compared_after: 0,
            has_ended: false,
        }
    }

    /// Returns whether the scan needs no more keys.
    pub(super) fn has_ended(&self) -> bool {
        self.has_ended
    }

    pub(super) fn finish(self) -> (Progress, PageBuilder) {
        (self.progress, self.page)
    }

    fn end(&mut self, end: End) {
        self.progress.end = end;
        self.has_ended = true;
    }

    /// Adds the events of a page, whose rows follow each other, until it is complete or has the maximum size. Returns the
    /// number of matching events.
    pub(super) fn read_rows(&mut self, mut rows: Rows<'_>, stop: &Stop) -> Result<u64, StoreError> {
        let before = self.progress.passed;
        while self.needs_rows() {
            let is_read = self.step(stop, |scan| scan.read_next_row(&mut rows, stop))?;
            if !is_read {
                if !self.has_ended {
                    self.end(End::Complete);
                }
                break;
            }
        }
        Ok(self.progress.passed - before)
    }

    /// Returns whether the next row is needed. The events after a page are counted by their keys.
    fn needs_rows(&self) -> bool {
        let is_complete = self.limits.counts_more && self.is_after_page();
        !is_complete && !self.progress.is_full
    }

    /// Adds the events of a page, whose rows are read by their keys, and counts those after it.
    pub(super) fn read_keys(
        &mut self,
        mut keys: Rows<'_>,
        rows: &mut RowReader<'_>,
        stop: &Stop,
    ) -> Result<(), StoreError> {
        while self.step(stop, |scan| scan.read_next_key(&mut keys, rows, stop))? {}
        Ok(())
    }

    /// Reads the next event. Returns false at the end of the scan or after the last event.
    fn step(
        &mut self,
        stop: &Stop,
        read: impl FnOnce(&mut Self) -> Result<bool, StoreError>,
    ) -> Result<bool, StoreError> {
        // SQLite checks this after many instructions, and the rest of the loop uses more time than they do.
        if stop.is_over() {
            self.end(End::Stopped);
            return Ok(false);
        }
        match read(self) {
            Ok(is_read) => Ok(is_read && !self.has_ended),
            Err(error) if is_interrupted(&error) => {
                self.end(End::Stopped);
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    /// Reads the next event with its key; returns false after the last one.
    fn read_next_row(&mut self, rows: &mut Rows<'_>, stop: &Stop) -> Result<bool, StoreError> {
        let Some(row) = rows.next()? else {
            return Ok(false);
        };
        let event = stored_event(row)?;
        let is_session = event.kind == EventKind::Session;
        let position = Position {
            started: if is_session {
                row.get(8)?
            } else {
                event.started
            },
            sid: row.get(9)?,
            id: (!is_session).then(|| event.id.into_bytes()),
        };
        if self.is_on_page() {
            self.add(position, &event)?;
        }
        self.pass(position, stop);
        Ok(true)
    }

    /// Reads the event of the next key; returns false after the last key.
    fn read_next_key(
        &mut self,
        keys: &mut Rows<'_>,
        rows: &mut RowReader<'_>,
        stop: &Stop,
    ) -> Result<bool, StoreError> {
        let Some(key) = keys.next()? else {
            return Ok(false);
        };
        let position = Position {
            started: key.get(0)?,
            sid: key.get(1)?,
            id: key.get(2)?,
        };
        let is_added = self.is_on_page() && !self.progress.is_full;
        if self.query.predicate.is_some() || is_added {
            let mut found = rows.read(position)?;
            let row = found.next()?;
            let row = row.ok_or(rusqlite::Error::QueryReturnedNoRows)?;
            let event = stored_event(row)?;
            if let Some(predicate) = &self.query.predicate {
                if self.is_after_page() {
                    self.compared_after += 1;
                    if self.compared_after > MAX_COMPARED {
                        self.end(End::Stopped);
                        return Ok(true);
                    }
                }
                if !predicate.matches(&event) {
                    self.progress.compared = Some(position);
                    return Ok(true);
                }
            }
            if is_added {
                self.add(position, &event)?;
            }
        }
        self.pass(position, stop);
        Ok(true)
    }

    /// Adds an event to the page if it fits.
    fn add(&mut self, position: Position, event: &StoredEvent<'_>) -> Result<(), StoreError> {
        if self.page.push(event)? {
            self.progress.last = Some(position);
        } else {
            self.progress.is_full = true;
        }
        Ok(())
    }

    /// Counts a matching event.
    fn pass(&mut self, position: Position, stop: &Stop) {
        let (limits, end) = (self.limits, self.page_end());
        let is_full = self.progress.is_full;
        if is_full && self.is_on_page() && !self.has_cursor() {
            self.progress.rest.push(position);
        }
        let last_counted = if limits.counts_more {
            end + MAX_COUNTED
        } else {
            end
        };
        let is_over = is_full && self.has_cursor() && !limits.counts_more;
        if self.progress.passed >= last_counted || is_over {
            self.progress.passed += 1;
            self.end(End::More);
            return;
        }
        self.progress.compared = Some(position);
        self.progress.passed += 1;
        let passed = self.progress.passed;
        if limits.total == Some(passed) {
            self.end(End::Complete);
        } else if passed == end {
            if limits.total.is_some() {
                self.end(End::More);
            } else if limits.counts_more || self.query.predicate.is_some() {
                stop.limit_rest(self.query.count_time);
            }
        } else if is_full && self.has_cursor() {
            stop.limit_rest(self.query.count_time);
        }
    }

    /// Returns whether the next matching event belongs to the page.
    fn is_on_page(&self) -> bool {
        self.progress.passed >= self.limits.offset && !self.is_after_page()
    }

    fn is_after_page(&self) -> bool {
        self.progress.passed >= self.page_end()
    }

    /// Returns the number of matching events up to the end of the page.
    fn page_end(&self) -> u64 {
        self.limits.offset + u64::from(self.query.limit)
    }

    fn has_cursor(&self) -> bool {
        matches!(self.query.start, PageStart::Cursor(_))
    }
}

fn is_interrupted(error: &StoreError) -> bool {
    matches!(error, StoreError::Engine(cause) if cause.kind() == EngineErrorKind::Interrupted)
}
