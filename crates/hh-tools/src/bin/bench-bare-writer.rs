//! Inserts the rows that a server has stored into an empty database of a server, as the baseline of
//! `cargo xtask bench server`.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::{self, Write as _};

use rusqlite::config::DbConfig;
use rusqlite::types::Value;
use rusqlite::{Connection, OpenFlags, Row, Rows, Statement, params, params_from_iter};
use rustix::time::{ClockId, Timespec, clock_gettime};

const HOUR: i64 = 60 * 60 * 1_000_000_000;
const DAY: i64 = 24 * HOUR;
const USAGE: &str = "usage: bench-bare-writer FROM TO all|events ROUNDS EXPORTS-PER-ROUND EVENTS-PER-EXPORT EXPORTS-PER-TRANSACTION";

/// Prints the CPU time of one event in the best round, in microseconds.
fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let [from, to, tables, rounds, exports, events, group] = *arguments.as_slice() else {
        return Err(USAGE.into());
    };
    let has_counts = match tables {
        "all" => true,
        "events" => false,
        _ => return Err(USAGE.into()),
    };
    let (exports, events, group): (u32, u32, usize) =
        (exports.parse()?, events.parse()?, group.parse()?);
    let source = Connection::open_with_flags(from, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let target = open(to)?;
    let mut writer = Writer::new(&target)?;
    // A server numbers the sessions in the order in which it stores them, and all spans of a session are in one export.
    let mut stored = source.prepare("SELECT * FROM events ORDER BY sid, started, id")?;
    let mut stored = stored.query([])?;
    let mut best = f64::MAX;
    for _ in 0..rounds.parse::<u32>()? {
        let mut round = Vec::new();
        for _ in 0..exports {
            let mut export = Export::read(&source, &mut stored, events)?;
            if !has_counts {
                export.counts.clear();
            }
            round.push(export);
        }
        let start = clock_gettime(ClockId::ThreadCPUTime);
        for exports in round.chunks(group) {
            target.execute_batch("BEGIN IMMEDIATE")?;
            for export in exports {
                writer.write(export)?;
            }
            target.execute_batch("COMMIT")?;
        }
        let spent = micros(start, clock_gettime(ClockId::ThreadCPUTime));
        best = best.min(spent / f64::from(exports) / f64::from(events));
    }
    writeln!(io::stdout(), "{best:.3}")?;
    Ok(())
}

fn micros(start: Timespec, end: Timespec) -> f64 {
    let nanos = (end.tv_sec - start.tv_sec) * 1_000_000_000 + (end.tv_nsec - start.tv_nsec);
    #[expect(clippy::cast_precision_loss, reason = "the times are short")]
    let nanos = nanos as f64;
    nanos / 1e3
}

/// Opens a database with the settings of the server, except that the same thread copies the log.
fn open(path: &str) -> Result<Connection, rusqlite::Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", "ON")?;
    connection.pragma_update(None, "wal_autocheckpoint", 4000)?;
    connection.pragma_update(None, "journal_size_limit", 4000 * 4096)?;
    connection.pragma_update(None, "cache_size", -16_384)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    // SQLite would prepare some statements again for each execution.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(connection)
}

/// The rows of one export.
struct Export {
    events: Vec<Vec<Value>>,
    sessions: Vec<Vec<Value>>,
    counts: BTreeMap<Count, i64>,
}

/// The key of a count of events.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Count {
    project: i64,
    kind: i64,
    day: i64,
    hour: i64,
    /// The durations of the stored events of that day.
    latency: Vec<u8>,
}

impl Export {
    /// Reads the next events and their sessions.
    fn read(
        source: &Connection,
        stored: &mut Rows<'_>,
        events: u32,
    ) -> Result<Self, Box<dyn Error>> {
        let mut export = Self {
            events: Vec::new(),
            sessions: Vec::new(),
            counts: BTreeMap::new(),
        };
        let mut last = None;
        for _ in 0..events {
            let row = stored
                .next()?
                .ok_or("the server has stored too few events")?;
            let sid: i64 = row.get("sid")?;
            export.count(source, row, row.get("kind")?)?;
            export.events.push(values(row)?);
            if last.replace(sid) != Some(sid) {
                let mut session = source.prepare_cached("SELECT * FROM sessions WHERE sid = ?1")?;
                let mut session = session.query([sid])?;
                let row = session.next()?.ok_or("an event has no session")?;
                export.count(source, row, 0)?;
                export.sessions.push(values(row)?);
            }
        }
        Ok(export)
    }

    /// Counts an event, or a session as kind 0.
    fn count(
        &mut self,
        source: &Connection,
        row: &Row<'_>,
        kind: i64,
    ) -> Result<(), rusqlite::Error> {
        let (project, started): (i64, i64) = (row.get("project")?, row.get("started")?);
        let day = started.div_euclid(DAY);
        let latency = source
            .prepare_cached(
                "SELECT latency FROM rollup_days WHERE project = ?1 AND day = ?2 AND kind = ?3",
            )?
            .query_row([project, day, kind], |row| row.get(0))?;
        let count = Count {
            project,
            kind,
            day,
            hour: started.div_euclid(HOUR),
            latency,
        };
        *self.counts.entry(count).or_default() += 1;
        Ok(())
    }
}

fn values(row: &Row<'_>) -> Result<Vec<Value>, rusqlite::Error> {
    let columns = row.as_ref().column_count();
    (0..columns).map(|column| row.get(column)).collect()
}

/// The prepared statements of the target.
struct Writer<'a> {
    event: Statement<'a>,
    session: Statement<'a>,
    total: Statement<'a>,
    day: Statement<'a>,
    hour: Statement<'a>,
}

impl<'a> Writer<'a> {
    fn new(target: &'a Connection) -> Result<Self, rusqlite::Error> {
        let insert = |table: &str| {
            let columns = target
                .prepare(&format!("SELECT * FROM {table}"))?
                .column_count();
            let values = vec!["?"; columns].join(", ");
            target.prepare(&format!("INSERT INTO {table} VALUES ({values})"))
        };
        Ok(Self {
            event: insert("events")?,
            session: insert("sessions")?,
            total: target.prepare(
                "INSERT INTO rollup_totals VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET n = n + excluded.n",
            )?,
            day: target.prepare(
                "INSERT INTO rollup_days VALUES (?1, ?2, ?3, ?4, 0, 0, 0, 0, ?5)
                 ON CONFLICT DO UPDATE SET n = n + excluded.n, latency = excluded.latency",
            )?,
            hour: target.prepare(
                "INSERT INTO rollup_hours VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO UPDATE SET n = n + excluded.n",
            )?,
        })
    }

    fn write(&mut self, export: &Export) -> Result<(), rusqlite::Error> {
        for event in &export.events {
            self.event.execute(params_from_iter(event))?;
        }
        for session in &export.sessions {
            self.session.execute(params_from_iter(session))?;
        }
        for (count, n) in &export.counts {
            let Count {
                project,
                kind,
                day,
                hour,
                latency,
            } = count;
            self.total.execute([project, kind, n])?;
            self.day.execute(params![project, day, kind, n, latency])?;
            self.hour.execute([project, hour, kind, n])?;
        }
        Ok(())
    }
}
