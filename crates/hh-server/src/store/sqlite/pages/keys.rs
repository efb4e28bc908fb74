//! Builds the SQL for the ordered keys of matching events: time, session, and id of the event, which is null for the
//! session itself. The same SQL with other columns reads whole rows in the order of their keys.

use hh_api::types::EventKind;
use rusqlite::types::Value;
use rusqlite::{CachedStatement, Connection, Rows};

use super::super::deletions::has_hidden;
use super::super::large_bodies::BODY;
use super::super::rollups;
use super::super::session_rows::kind_number;
use crate::store::commands::{PageStart, ReadEvents};
use crate::store::page::Position;
use crate::store::port::StoreError;

const PROJECT: usize = 1;
const SESSION: usize = 2;
const KIND: usize = 3;
const NAME: usize = 4;
const FROM: usize = 5;
const BEFORE: usize = 6;
const STARTED: usize = 7;
const SID: usize = 8;
const ID: usize = 9;
const LISTED: usize = 10;
const SKIPPED: usize = 11;
const PARAMETERS: usize = 11;

/// The number of events before a page from which on the page is found by the counts of hours. Tests have fewer events.
const FAR: u64 = if cfg!(test) { 20 } else { 1000 };

/// Returns whether only filters by session or kind are set.
pub(super) fn has_counts(query: &ReadEvents) -> bool {
    has_hours(query) && query.from.is_none() && query.before.is_none()
}

/// Returns whether the counts of hours are those of the query, except for its session and its range.
fn has_hours(query: &ReadEvents) -> bool {
    query.name.is_none() && !query.errors_only && query.predicate.is_none()
}

/// The columns that a query returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Columns {
    /// The keys, which an index contains.
    Keys,
    /// The columns of a [`StoredEvent`](crate::store::page::StoredEvent), and after them the keys.
    Rows,
}

/// A range of start times, in nanoseconds since 1970.
#[derive(Clone, Copy, Debug)]
pub(super) struct Range {
    /// The first time that matches.
    from: Option<i64>,
    /// The first time that no longer matches.
    before: Option<i64>,
}

/// A query for the keys of matching events.
pub(super) struct Keys<'a> {
    query: &'a ReadEvents,
    project: i64,
    /// The range of the keys that are not read yet.
    range: Range,
    /// How far the place of a session in the list can be after its start, in nanoseconds.
    moved: i64,
    /// The number of events that are after the range.
    jumped: u64,
    /// The number of keys that SQLite skips.
    skipped: u64,
    is_done: bool,
    /// Whether sessions of the project are being deleted, which must not be found.
    has_hidden: bool,
}

impl<'a> Keys<'a> {
    /// Creates a query for the keys from a number of matching events on. With a predicate, the query starts with the
    /// first one, because SQLite does not know which of them match.
    pub(super) fn new(
        connection: &Connection,
        project: i64,
        query: &'a ReadEvents,
        offset: u64,
    ) -> Result<Self, StoreError> {
        let mut keys = Self {
            query,
            project,
            range: Range {
                from: query.from,
                before: query.before,
            },
            moved: 0,
            jumped: 0,
            skipped: 0,
            is_done: false,
            has_hidden: has_hidden(connection, project)?,
        };
        if keys.has_cursor() && query.before.is_some() {
            keys.moved = longest_move(connection, project)?;
        }
        if keys.is_by_hour()
            && let Some(Position { started, .. }) = keys.position()
            && let Some(after) = started.checked_add(1)
        {
            keys.range.before = Some(query.before.map_or(after, |before| before.min(after)));
        }
        // The counts contain the events that are still to be deleted.
        let has_hours = has_hours(query) && !keys.has_hidden;
        if offset >= FAR && has_hours && query.session.is_none() {
            keys.jump(connection, offset)?;
        }
        if query.predicate.is_none() && !keys.is_by_hour() {
            keys.skipped = offset - keys.jumped;
        }
        Ok(keys)
    }

    /// Skips whole hours by their counts.
    fn jump(&mut self, connection: &Connection, offset: u64) -> Result<(), StoreError> {
        let Range { from, before } = self.range;
        let (mut last, mut after) = (i64::MAX, 0);
        if let Some(before) = before {
            // The hour of the end of the range is only partly in the range.
            let hour = rollups::hour_of(before);
            let begin = rollups::start_of_hour(hour);
            let part = Range {
                from: Some(from.map_or(begin, |from| from.max(begin))),
                before: Some(before),
            };
            (last, after) = (hour - 1, self.count(connection, part)?);
        }
        let Some(rest) = offset.checked_sub(after) else {
            return Ok(());
        };
        let first = from.map_or(i64::MIN, rollups::first_whole_hour);
        let kind = self.query.kind.map(kind_number);
        if let Some(jump) = rollups::jump(connection, self.project, kind, (first, last), rest)? {
            self.jumped = after + jump.skipped;
            // No time is after the last hour.
            if jump.before < i64::MAX {
                self.range.before = Some(jump.before);
            }
        }
        Ok(())
    }

    /// Returns whether sessions of the project are being deleted.
    pub(super) fn has_hidden(&self) -> bool {
        self.has_hidden
    }

    /// Returns the number of matching events before the first key.
    pub(super) fn skipped(&self) -> u64 {
        self.jumped + self.skipped
    }

    fn position(&self) -> Option<Position> {
        match self.query.start {
            PageStart::Cursor(position) => position,
            PageStart::Number(_) => None,
        }
    }

    fn has_cursor(&self) -> bool {
        matches!(self.query.start, PageStart::Cursor(_))
    }

    /// Returns whether only the hours that have events of the kind are read. No index has the kind before the time.
    fn is_by_hour(&self) -> bool {
        let query = self.query;
        query.kind.is_some_and(|kind| kind != EventKind::Session)
            && query.session.is_none()
            && query.name.is_none()
            && !query.errors_only
    }

    /// Returns the next range of keys, latest first; `None` after the last one.
    pub(super) fn next_range(
        &mut self,
        connection: &Connection,
    ) -> Result<Option<Range>, StoreError> {
        let Range { from, before } = self.range;
        if self.is_done {
            return Ok(None);
        }
        let kind = self.query.kind.map(kind_number);
        let Some(kind) = kind.filter(|_| self.is_by_hour()) else {
            self.is_done = true;
            return Ok(Some(self.range));
        };
        let last = before.map_or(i64::MAX, |before| {
            rollups::hour_of(before.saturating_sub(1))
        });
        let hour = rollups::last_hour(connection, self.project, kind, last)?;
        let first = from.map_or(i64::MIN, rollups::hour_of);
        let Some(hour) = hour.filter(|hour| *hour >= first) else {
            self.is_done = true;
            return Ok(None);
        };
        let begin = rollups::start_of_hour(hour);
        self.range.before = Some(begin);
        self.is_done = begin == i64::MIN;
        let end = rollups::end_of_hour(hour);
        // The latest time belongs to an hour whose end is after it.
        let end = (end < i64::MAX).then_some(end);
        Ok(Some(Range {
            from: Some(from.map_or(begin, |from| from.max(begin))),
            before: before.into_iter().chain(end).min(),
        }))
    }

    /// Returns the range of the query if its rows can be read with their keys, which is faster than to read a row for
    /// each key. SQLite would also read rows that it skips, and does not always choose the index of names or errors.
    pub(super) fn range_of_rows(&self) -> Option<Range> {
        let is_direct = has_hours(self.query) && self.skipped == 0 && !self.is_by_hour();
        is_direct.then_some(self.range)
    }

    /// Skips keys whose rows have been read.
    pub(super) fn skip(&mut self, count: u64) {
        self.skipped += count;
    }

    /// Returns the SQL for a range.
    pub(super) fn sql(&self, range: Range, columns: Columns) -> String {
        let skip = if self.skipped > 0 {
            format!(" LIMIT -1 OFFSET ?{SKIPPED}")
        } else {
            String::new()
        };
        let order = match columns {
            Columns::Keys => "1 DESC, 2 DESC, 3 DESC",
            Columns::Rows => "9 DESC, 10 DESC, 11 DESC",
        };
        let all = self.all(range, columns);
        format!("{all} ORDER BY {order}{skip}")
    }

    fn all(&self, range: Range, columns: Columns) -> String {
        let query = self.query;
        match query.kind {
            Some(EventKind::Session) => self.sessions(range, columns),
            Some(kind) => self.events(range, Some(kind), columns),
            // The index of names begins with the kind.
            None if query.name.is_some() && query.session.is_none() => {
                let kinds = EventKind::ALL.into_iter();
                let events = kinds
                    .filter(|kind| *kind != EventKind::Session)
                    .map(|kind| self.events(range, Some(kind), columns));
                let all: Vec<_> = std::iter::once(self.sessions(range, columns))
                    .chain(events)
                    .collect();
                all.join(" UNION ALL ")
            }
            None => {
                let events = self.events(range, None, columns);
                format!("{} UNION ALL {events}", self.sessions(range, columns))
            }
        }
    }

    fn sessions(&self, range: Range, columns: Columns) -> String {
        let query = self.query;
        let mut conditions = vec![format!("project = ?{PROJECT}")];
        if query.session.is_some() {
            conditions.push(format!("id = ?{SESSION}"));
        }
        let mut place = "started";
        if self.has_cursor() {
            place = "listed";
            // The place of a session is at or after its start.
            if range.from.is_some() {
                conditions.push(format!("listed >= ?{FROM}"));
            }
            if range.before.is_some() {
                conditions.push(format!("listed < ?{LISTED}"));
            }
        }
        self.add_conditions(&mut conditions, range, "");
        if let Some(position) = self.position() {
            // A session follows its events with the same start time.
            let order = if position.id.is_some() { "<=" } else { "<" };
            conditions.push(format!("({place}, sid) {order} (?{STARTED}, ?{SID})"));
        }
        let row = match columns {
            Columns::Keys => String::new(),
            Columns::Rows => format!("0, id, id, NULL, name, started, ended, {BODY}, "),
        };
        let conditions = conditions.join(" AND ");
        format!("SELECT {row}{place}, sid, NULL FROM sessions WHERE {conditions}")
    }

    fn events(&self, range: Range, kind: Option<EventKind>, columns: Columns) -> String {
        let query = self.query;
        let (from, table) = match (query.session, columns) {
            (Some(_), _) => ("sessions s CROSS JOIN events e USING (sid)", "e."),
            (None, Columns::Rows) => ("events e CROSS JOIN sessions s USING (sid)", "e."),
            (None, Columns::Keys) => ("events", ""),
        };
        let mut conditions = if query.session.is_some() {
            vec![
                format!("s.project = ?{PROJECT}"),
                format!("s.id = ?{SESSION}"),
            ]
        } else {
            vec![format!("{table}project = ?{PROJECT}")]
        };
        if let Some(kind) = kind {
            // Without a name, the index of names would need a sort. The `+` excludes it.
            let plus = if query.name.is_some() { "" } else { "+" };
            conditions.push(if query.kind.is_some() {
                format!("{plus}{table}kind = ?{KIND}")
            } else {
                format!("{plus}{table}kind = {}", kind_number(kind))
            });
        }
        self.add_conditions(&mut conditions, range, table);
        if let Some(position) = self.position() {
            conditions.push(if position.id.is_some() {
                format!("({table}started, {table}sid, {table}id) < (?{STARTED}, ?{SID}, ?{ID})")
            } else {
                format!("({table}started, {table}sid) < (?{STARTED}, ?{SID})")
            });
        }
        let row = match columns {
            Columns::Keys => "",
            Columns::Rows => "e.kind, e.id, s.id, e.parent, e.name, e.started, e.ended, e.body, ",
        };
        let conditions = conditions.join(" AND ");
        format!("SELECT {row}{table}started, {table}sid, {table}id FROM {from} WHERE {conditions}")
    }

    /// Adds the conditions on columns that both tables have.
    fn add_conditions(&self, conditions: &mut Vec<String>, range: Range, table: &str) {
        let query = self.query;
        let wanted = [
            (query.name.is_some(), format!("{table}name = ?{NAME}")),
            (query.errors_only, format!("{table}error = 1")),
            (range.from.is_some(), format!("{table}started >= ?{FROM}")),
            (
                range.before.is_some(),
                format!("{table}started < ?{BEFORE}"),
            ),
        ];
        if self.has_hidden {
            conditions.push(format!(
                "{table}sid NOT IN (SELECT sid FROM deleted_sessions WHERE project = ?{PROJECT})"
            ));
        }
        let wanted = wanted.into_iter().filter(|(is_set, _)| *is_set);
        conditions.extend(wanted.map(|(_, condition)| condition));
    }

    /// Runs the SQL of [`Keys::sql`].
    pub(super) fn run<'s>(
        &self,
        statement: &'s mut CachedStatement<'_>,
        range: Range,
    ) -> Result<Rows<'s>, rusqlite::Error> {
        // Each query uses the first few of these parameters.
        let used = statement.parameter_count().min(PARAMETERS);
        for number in 1..=used {
            statement.raw_bind_parameter(number, self.value(number, range))?;
        }
        Ok(statement.raw_query())
    }

    /// Counts all matching events.
    pub(super) fn count_all(&self, connection: &Connection) -> Result<u64, StoreError> {
        let whole = Range {
            from: self.query.from,
            before: self.query.before,
        };
        self.count(connection, whole)
    }

    fn count(&self, connection: &Connection, range: Range) -> Result<u64, StoreError> {
        let sql = format!("SELECT count(*) FROM ({})", self.all(range, Columns::Keys));
        let mut statement = connection.prepare_cached(&sql)?;
        let mut rows = self.run(&mut statement, range)?;
        let count = match rows.next()? {
            Some(row) => row.get::<_, i64>(0)?,
            None => 0,
        };
        Ok(count.max(0).unsigned_abs())
    }

    fn value(&self, parameter: usize, range: Range) -> Value {
        let query = self.query;
        let position = self.position();
        match parameter {
            PROJECT => self.project.into(),
            SESSION => query.session.map(|id| id.into_bytes().to_vec()).into(),
            KIND => query.kind.map(kind_number).into(),
            NAME => query.name.clone().into(),
            FROM => range.from.into(),
            BEFORE => range.before.into(),
            STARTED => position.map(|position| position.started).into(),
            SID => position.map(|position| position.sid).into(),
            ID => position
                .and_then(|position| position.id)
                .map(|id| id.to_vec())
                .into(),
            LISTED => range
                .before
                .map(|before| before.saturating_add(self.moved))
                .into(),
            _ => i64::try_from(self.skipped).unwrap_or(i64::MAX).into(),
        }
    }
}

/// Finds how far the place of a session of a project in lists with cursors is at most after its start, in nanoseconds.
pub(super) const LONGEST_MOVE: &str =
    "SELECT max(listed - started) FROM sessions WHERE project = ?1 AND started < listed";

fn longest_move(connection: &Connection, project: i64) -> Result<i64, StoreError> {
    let mut statement = connection.prepare_cached(LONGEST_MOVE)?;
    statement
        .query_row([project], |row| {
            Ok(match row.get(0)? {
                Value::Null => 0,
                Value::Integer(nanos) => nanos,
                // The difference exceeds 64 bits.
                Value::Real(_) | Value::Text(_) | Value::Blob(_) => i64::MAX,
            })
        })
        .map_err(StoreError::from)
}
