//! Copies the rows of a database of schema version 4 into a new file of version 5.

use std::path::Path;

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension as _, Row, params, params_from_iter};

use super::super::rollups::{Counted, Rollups, day_of};
use super::super::{large_bodies, schema};
use super::files::{Source, close, discard};
use crate::domain::event_ids::IdScheme;
use crate::domain::usage::Usage;
use crate::store::port::StoreError;

/// The version of the schema of the new file.
const VERSION: i64 = 5;

/// The migration that creates the tables and indexes of the new file.
const MIGRATION: &str = include_str!("../../../../migrations/0005_events.sql");

/// The tables without events.
const TABLES: &[&str] = &[
    "meta",
    "projects",
    "api_keys",
    "key_projects",
    "owners",
    "creations",
];

/// The indexes that are created after the rows are copied, because sorting all entries once is faster than inserting
/// them one by one.
const INDEXES: &[&str] = &["sessions_time", "events_id", "events_name"];

/// Indexes that a later migration creates in another form.
const REPLACED: &[&str] = &["sessions_errors", "events_time", "events_errors"];

/// The number of sessions that one transaction copies.
const SESSIONS: i64 = 1000;
/// The number of events that one transaction copies.
const EVENTS: i64 = 5000;

/// The percentage of the progress after all sessions, and after all events are copied.
const AFTER_SESSIONS: u64 = 10;
const AFTER_EVENTS: u64 = 75;

/// How far the copy is.
#[derive(Clone, Debug)]
enum Progress {
    /// Sessions up to this number are copied.
    Sessions(i64),
    /// All sessions, and events up to this key are copied.
    Events { sid: i64, started: i64, id: Vec<u8> },
    /// All rows are copied, and this many of the [`INDEXES`] exist.
    Indexes(usize),
}

/// Copies a database into a file, or continues an interrupted copy if the database has not changed since then.
pub(super) fn copy(
    old: &Connection,
    new_path: &Path,
    source: &Source,
    report: &mut dyn FnMut(u64),
) -> Result<(), StoreError> {
    let (new, mut progress) = match resume(new_path, source) {
        Some(resumed) => resumed,
        None => begin(old, new_path, source)?,
    };
    let last: i64 = old.query_row("SELECT coalesce(max(sid), 0) FROM sessions", [], |row| {
        row.get(0)
    })?;
    loop {
        let transaction = new.unchecked_transaction()?;
        let Some(next) = advance(old, &new, &progress)? else {
            break;
        };
        save_progress(&new, source, &next)?;
        transaction.commit()?;
        report(percent(&next, last));
        progress = next;
    }
    // SQLite does not report a log that it could not copy when the connection is closed, for example on a full disk.
    let is_busy = new.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| {
        row.get::<_, bool>(0)
    })?;
    if is_busy {
        return Err(StoreError::Busy);
    }
    close(new, new_path)
}

/// Deletes the state of the copy after the new file has replaced the database.
pub(super) fn forget_progress(connection: &Connection) -> Result<(), StoreError> {
    Ok(connection.execute_batch("DROP TABLE IF EXISTS upgrade")?)
}

/// Opens the new file. Its changes are not synchronized one by one: after a power failure, an earlier state of the copy
/// continues.
fn open(path: &Path) -> Result<Connection, StoreError> {
    let new = schema::open(path)?;
    new.pragma_update(None, "synchronous", "NORMAL")?;
    new.pragma_update(None, "wal_autocheckpoint", schema::CHECKPOINT)?;
    // Keys refer to other keys that are copied later.
    new.pragma_update(None, "foreign_keys", false)?;
    // Indexes are sorted in temporary files, which must be in the protected directory and not in the memory.
    if let Some(dir) = path.parent().and_then(Path::to_str) {
        new.pragma_update(None, "temp_store_directory", dir)?;
        new.pragma_update(None, "temp_store", "FILE")?;
    }
    Ok(new)
}

/// Opens the file of an interrupted copy of the same database.
fn resume(path: &Path, source: &Source) -> Option<(Connection, Progress)> {
    if !path.exists() {
        return None;
    }
    let new = open(path).ok()?;
    let progress = new
        .query_row(
            "SELECT sid, started, id, indexes FROM upgrade WHERE source = ?1",
            [&source.0],
            read_progress,
        )
        .optional();
    Some((new, progress.ok()??))
}

fn read_progress(row: &Row<'_>) -> Result<Progress, rusqlite::Error> {
    if let Some(indexes) = row.get::<_, Option<u32>>(3)? {
        return Ok(Progress::Indexes(indexes as usize));
    }
    let sid = row.get(0)?;
    Ok(match row.get(1)? {
        None => Progress::Sessions(sid),
        Some(started) => Progress::Events {
            sid,
            started,
            id: row.get(2)?,
        },
    })
}

fn save_progress(new: &Connection, source: &Source, progress: &Progress) -> Result<(), StoreError> {
    let (sid, started, id, indexes) = match progress {
        Progress::Sessions(sid) => (*sid, None, None, None),
        Progress::Events { sid, started, id } => (*sid, Some(*started), Some(id), None),
        Progress::Indexes(count) => (0, None, None, Some(i64::try_from(*count).unwrap_or(0))),
    };
    new.prepare_cached("INSERT OR REPLACE INTO upgrade VALUES (1, ?1, ?2, ?3, ?4, ?5)")?
        .execute(params![source.0, sid, started, id, indexes])?;
    Ok(())
}

/// Creates the new file with the tables that contain no events.
fn begin(
    old: &Connection,
    path: &Path,
    source: &Source,
) -> Result<(Connection, Progress), StoreError> {
    discard(path);
    let mut new = open(path)?;
    schema::migrate_to(&mut new, VERSION)?;
    let progress = Progress::Sessions(i64::MIN);
    let transaction = new.unchecked_transaction()?;
    for index in INDEXES.iter().chain(REPLACED) {
        new.execute_batch(&format!("DROP INDEX {index}"))?;
    }
    for table in TABLES {
        copy_table(old, &new, table)?;
    }
    new.execute_batch(
        "CREATE TABLE upgrade (one INTEGER PRIMARY KEY, source TEXT NOT NULL, sid INTEGER NOT NULL, started INTEGER,
           id BLOB, indexes INTEGER) STRICT",
    )?;
    save_progress(&new, source, &progress)?;
    transaction.commit()?;
    Ok((new, progress))
}

/// Copies a table whose columns are the same in both files.
fn copy_table(old: &Connection, new: &Connection, table: &str) -> Result<(), StoreError> {
    let mut read = old.prepare(&format!("SELECT * FROM {table}"))?;
    let columns = read.column_count();
    let values = vec!["?"; columns].join(", ");
    let mut write = new.prepare(&format!("INSERT INTO {table} VALUES ({values})"))?;
    let mut rows = read.query([])?;
    while let Some(row) = rows.next()? {
        let values = (0..columns).map(|column| row.get::<_, Value>(column));
        let values = values.collect::<Result<Vec<_>, _>>()?;
        write.execute(params_from_iter(values))?;
    }
    Ok(())
}

/// Copies the next rows or creates the next index; returns `None` if the copy is complete.
fn advance(
    old: &Connection,
    new: &Connection,
    progress: &Progress,
) -> Result<Option<Progress>, StoreError> {
    let mut rollups = Rollups::default();
    let next = match progress {
        Progress::Sessions(after) => match copy_sessions(old, new, *after, &mut rollups)? {
            Some(last) => Progress::Sessions(last),
            None => Progress::Events {
                sid: i64::MIN,
                started: i64::MIN,
                id: Vec::new(),
            },
        },
        Progress::Events { sid, started, id } => {
            let last = copy_events(old, new, params![sid, started, id, EVENTS], &mut rollups)?;
            last.unwrap_or(Progress::Indexes(0))
        }
        Progress::Indexes(done) => {
            let Some(index) = INDEXES.get(*done) else {
                return Ok(None);
            };
            create_index(new, index)?;
            Progress::Indexes(done + 1)
        }
    };
    rollups.save(new)?;
    Ok(Some(next))
}

/// Copies sessions after a number, and returns the number of the last one.
fn copy_sessions(
    old: &Connection,
    new: &Connection,
    after: i64,
    rollups: &mut Rollups,
) -> Result<Option<i64>, StoreError> {
    let mut read = old.prepare_cached(&format!(
        "SELECT sid, project, id, name, started, ended, implicit, family, {} FROM sessions
         WHERE sid > ?1 ORDER BY sid LIMIT ?2",
        large_bodies::BODY
    ))?;
    let mut write = new.prepare_cached(
        "INSERT INTO sessions (sid, project, id, name, started, ended, implicit, id_scheme, day, error, input_tokens,
           output_tokens, cost, family, body)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
    )?;
    let mut rows = read.query([after, SESSIONS])?;
    let mut last = None;
    while let Some(row) = rows.next()? {
        let (sid, body): (i64, _) = (row.get(0)?, blob(row, 8)?);
        let counted = counted(row.get(1)?, 0, (row.get(4)?, row.get(5)?), body);
        write.execute(params![
            sid,
            counted.project,
            row.get::<_, Value>(2)?,
            row.get::<_, Value>(3)?,
            counted.started,
            counted.ended,
            row.get::<_, Value>(6)?,
            IdScheme::Digest.number(),
            counted.day,
            counted.usage.has_error,
            counted.usage.input_tokens,
            counted.usage.output_tokens,
            counted.usage.cost,
            row.get::<_, Value>(7)?,
            large_bodies::in_row(body),
        ])?;
        if large_bodies::in_row(body).is_empty() {
            new.prepare_cached("INSERT INTO large_bodies VALUES (?1, ?2)")?
                .execute(params![sid, body])?;
        }
        rollups.add(&counted);
        last = Some(sid);
    }
    Ok(last)
}

/// Copies events after a key, and returns the key of the last one.
fn copy_events(
    old: &Connection,
    new: &Connection,
    after: &[&dyn rusqlite::ToSql],
    rollups: &mut Rollups,
) -> Result<Option<Progress>, StoreError> {
    let mut read = old.prepare_cached(
        "SELECT sid, started, id, parent, project, kind, name, ended, family, body FROM events
         WHERE (sid, started, id) > (?1, ?2, ?3) ORDER BY sid, started, id LIMIT ?4",
    )?;
    let mut write = new.prepare_cached(
        "INSERT INTO events (sid, started, id, parent, project, kind, name, ended, error, input_tokens, output_tokens,
           cost, family, body)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
    )?;
    let mut rows = read.query(after)?;
    let mut last = None;
    while let Some(row) = rows.next()? {
        let body = blob(row, 9)?;
        let (started, ended) = (row.get(1)?, row.get(7)?);
        let counted = counted(row.get(4)?, row.get(5)?, (started, ended), body);
        write.execute(params![
            row.get::<_, Value>(0)?,
            started,
            row.get::<_, Value>(2)?,
            row.get::<_, Value>(3)?,
            counted.project,
            counted.kind,
            row.get::<_, Value>(6)?,
            ended,
            counted.usage.has_error,
            counted.usage.input_tokens,
            counted.usage.output_tokens,
            counted.usage.cost,
            row.get::<_, Value>(8)?,
            body,
        ])?;
        rollups.add(&counted);
        last = Some((row.get(0)?, started, row.get(2)?));
    }
    Ok(last.map(|(sid, started, id)| Progress::Events { sid, started, id }))
}

fn blob<'a>(row: &'a Row<'_>, column: usize) -> Result<&'a [u8], rusqlite::Error> {
    Ok(row.get_ref(column)?.as_blob()?)
}

fn counted(project: i64, kind: i64, (started, ended): (i64, i64), body: &[u8]) -> Counted {
    Counted {
        project,
        kind,
        day: day_of(started),
        started,
        ended,
        // A damaged body remains what it is: reading the event reports it.
        usage: Usage::of_encoded(body).unwrap_or_default(),
    }
}

/// Creates an index by the statement of the migration.
fn create_index(new: &Connection, index: &str) -> Result<(), StoreError> {
    let name = format!("INDEX {index} ON");
    let statements = MIGRATION.split(';').filter(|sql| sql.contains(&name));
    for sql in statements {
        new.execute_batch(sql)?;
    }
    Ok(())
}

fn percent(progress: &Progress, last: i64) -> u64 {
    let part = |sid: i64| sid.clamp(0, last).unsigned_abs() * 100 / last.max(1).unsigned_abs();
    match progress {
        Progress::Sessions(sid) => part(*sid) * AFTER_SESSIONS / 100,
        Progress::Events { sid, .. } => {
            AFTER_SESSIONS + part(*sid) * (AFTER_EVENTS - AFTER_SESSIONS) / 100
        }
        Progress::Indexes(count) => {
            let count = u64::try_from(*count).unwrap_or(0);
            AFTER_EVENTS + count * (98 - AFTER_EVENTS) / INDEXES.len() as u64
        }
    }
}
