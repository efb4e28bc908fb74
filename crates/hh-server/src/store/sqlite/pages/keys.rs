//! Builds the SQL for the ordered keys of matching events: time, session, and id of the event, which is null for the
//! session itself.

use hh_api::types::EventKind;
use rusqlite::types::Value;
use rusqlite::{CachedStatement, Connection, Rows};

use super::super::deletions::has_hidden;
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
const SKIPPED: usize = 10;
const PARAMETERS: usize = 10;

/// The number of events before a page from which on the page is found by the counts of hours.
const FAR: u64 = 1000;

/// Returns whether only filters by session or kind are set.
pub(super) fn has_counts(query: &ReadEvents) -> bool {
    query.name.is_none()
        && !query.errors_only
        && query.from.is_none()
        && query.before.is_none()
        && query.predicate.is_none()
}

/// A query for the keys of matching events.
pub(super) struct Keys<'a> {
    query: &'a ReadEvents,
    project: i64,
    /// The first start time that no longer matches.
    before: Option<i64>,
    /// The number of events that are before `before`.
    jumped: u64,
    /// The number of keys that SQLite skips.
    skipped: u64,
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
            before: query.before,
            jumped: 0,
            skipped: 0,
            has_hidden: has_hidden(connection, project)?,
        };
        if query.predicate.is_some() {
            return Ok(keys);
        }
        if offset >= FAR && has_counts(query) && query.session.is_none() && !keys.has_hidden {
            let kind = query.kind.map(kind_number);
            if let Some(jump) = rollups::jump(connection, project, kind, offset)? {
                (keys.before, keys.jumped) = (Some(jump.before), jump.skipped);
            }
        }
        keys.skipped = offset - keys.jumped;
        Ok(keys)
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

    /// Returns the SQL of the query.
    pub(super) fn sql(&self) -> String {
        let skip = if self.skipped > 0 {
            format!(" LIMIT -1 OFFSET ?{SKIPPED}")
        } else {
            String::new()
        };
        let rows = self.rows();
        format!("{rows} ORDER BY 1 DESC, 2 DESC, 3 DESC{skip}")
    }

    fn rows(&self) -> String {
        match self.query.kind {
            Some(EventKind::Session) => self.sessions(),
            Some(_) => self.events(),
            None => format!("{} UNION ALL {}", self.sessions(), self.events()),
        }
    }

    fn sessions(&self) -> String {
        let mut conditions = vec![format!("project = ?{PROJECT}")];
        if self.query.session.is_some() {
            conditions.push(format!("id = ?{SESSION}"));
        }
        self.add_conditions(&mut conditions, "");
        if let Some(position) = self.position() {
            // A session follows its events with the same start time.
            let order = if position.id.is_some() { "<=" } else { "<" };
            conditions.push(format!("(started, sid) {order} (?{STARTED}, ?{SID})"));
        }
        let conditions = conditions.join(" AND ");
        format!("SELECT started, sid, NULL AS id FROM sessions WHERE {conditions}")
    }

    fn events(&self) -> String {
        let (from, table) = if self.query.session.is_some() {
            ("sessions s CROSS JOIN events e USING (sid)", "e.")
        } else {
            ("events", "")
        };
        let mut conditions = if self.query.session.is_some() {
            vec![
                format!("s.project = ?{PROJECT}"),
                format!("s.id = ?{SESSION}"),
            ]
        } else {
            vec![format!("project = ?{PROJECT}")]
        };
        if self.query.kind.is_some() {
            // Without a name, the index of names would need a sort. The `+` excludes it.
            let plus = if self.query.name.is_some() { "" } else { "+" };
            conditions.push(format!("{plus}{table}kind = ?{KIND}"));
        }
        self.add_conditions(&mut conditions, table);
        if let Some(position) = self.position() {
            conditions.push(if position.id.is_some() {
                format!("({table}started, {table}sid, {table}id) < (?{STARTED}, ?{SID}, ?{ID})")
            } else {
                format!("({table}started, {table}sid) < (?{STARTED}, ?{SID})")
            });
        }
        let conditions = conditions.join(" AND ");
        format!("SELECT {table}started, {table}sid, {table}id FROM {from} WHERE {conditions}")
    }

    /// Adds the conditions on columns that both tables have.
    fn add_conditions(&self, conditions: &mut Vec<String>, table: &str) {
        let query = self.query;
        let wanted = [
            (query.name.is_some(), format!("{table}name = ?{NAME}")),
            (query.errors_only, format!("{table}error = 1")),
            (query.from.is_some(), format!("{table}started >= ?{FROM}")),
            (self.before.is_some(), format!("{table}started < ?{BEFORE}")),
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
    ) -> Result<Rows<'s>, rusqlite::Error> {
        // Each query uses the first few of these parameters.
        let used = statement.parameter_count().min(PARAMETERS);
        for number in 1..=used {
            statement.raw_bind_parameter(number, self.value(number))?;
        }
        Ok(statement.raw_query())
    }

    /// Counts the matching events.
    pub(super) fn count(&self, connection: &Connection) -> Result<u64, StoreError> {
        let sql = format!("SELECT count(*) FROM ({})", self.rows());
        let mut statement = connection.prepare_cached(&sql)?;
        let mut rows = self.run(&mut statement)?;
        let count = match rows.next()? {
            Some(row) => row.get::<_, i64>(0)?,
            None => 0,
        };
        Ok(count.max(0).unsigned_abs())
    }

    fn value(&self, parameter: usize) -> Value {
        let query = self.query;
        let position = self.position();
        match parameter {
            PROJECT => self.project.into(),
            SESSION => query.session.map(|id| id.into_bytes().to_vec()).into(),
            KIND => query.kind.map(kind_number).into(),
            NAME => query.name.clone().into(),
            FROM => query.from.into(),
            BEFORE => self.before.into(),
            STARTED => position.map(|position| position.started).into(),
            SID => position.map(|position| position.sid).into(),
            ID => position
                .and_then(|position| position.id)
                .map(|id| id.to_vec())
                .into(),
            _ => i64::try_from(self.skipped).unwrap_or(i64::MAX).into(),
        }
    }
}
