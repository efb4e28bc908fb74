//! Upgrades databases of earlier versions to the newest schema.
//!
//! Schema version 5 adds columns whose values come from the bodies, counts, indexes and incremental vacuum, so every row
//! must be read and the file must be rewritten. The upgrade therefore copies the database into a second file, in
//! transactions that also store how far the copy is, and replaces the database with the second file in the end. Until
//! then, the database itself is not changed, so an interrupted upgrade continues, and the earlier version can still use
//! the database.

mod copy;
mod files;

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::schema;
use crate::store::port::StoreError;
use files::{Source, close, discard, io_error, log_of, replace};

/// The last version of the schema whose databases are copied.
const COPIED: i64 = 4;

/// The value of `PRAGMA auto_vacuum` for incremental vacuum.
const INCREMENTAL: i64 = 2;

/// The time between two messages about the progress.
const REPORT: Duration = Duration::from_secs(1);

/// Upgrades a database to the newest schema, and returns its connection.
pub(super) fn upgrade(connection: Connection, path: &Path) -> Result<Connection, StoreError> {
    let mut reported: Option<Instant> = None;
    upgrade_with(connection, path, &mut |percent| {
        let is_due = reported.is_none_or(|reported| reported.elapsed() >= REPORT);
        if is_due || percent == 100 {
            tracing::info!("upgrading the database: {percent} %");
            reported = Some(Instant::now());
        }
    })
}

/// Upgrades a database like [`upgrade`], and reports the progress in percent after each transaction.
fn upgrade_with(
    mut connection: Connection,
    path: &Path,
    report: &mut dyn FnMut(u64),
) -> Result<Connection, StoreError> {
    let version = schema::version(&connection)?;
    if !(0..=schema::newest()).contains(&version) {
        return Err(StoreError::Newer);
    }
    if version == 0 {
        let vacuum: i64 = connection.query_row("PRAGMA auto_vacuum", [], |row| row.get(0))?;
        if vacuum != INCREMENTAL {
            connection.execute_batch("PRAGMA auto_vacuum = INCREMENTAL; VACUUM")?;
        }
        schema::migrate_to(&mut connection, schema::newest())?;
        // Migrations have deleted tables again. Each row of the result is a freed page.
        connection.pragma_query(None, "incremental_vacuum", |_| Ok(()))?;
    } else if version <= COPIED {
        let new = path.with_extension("db.upgrade");
        check_space(path, &new)?;
        schema::migrate_to(&mut connection, COPIED)?;
        let source = Source::of(&connection, path)?;
        copy::copy(&connection, &new, &source, report)?;
        close(connection, path)?;
        report(99);
        replace(path, &new).map_err(|error| io_error(&error))?;
        report(100);
        connection = schema::open(path)?;
        copy::forget_progress(&connection)?;
    } else {
        // A database that was restored from a backup may leave the file of an interrupted upgrade behind.
        discard(&path.with_extension("db.upgrade"));
        // An upgrade may have been interrupted after the new file replaced the database.
        copy::forget_progress(&connection)?;
    }
    schema::migrate_to(&mut connection, schema::newest())?;
    Ok(connection)
}

/// The space that the write-ahead log of the new file needs, in bytes.
const LOG: u64 = 16 * 1024 * 1024;

/// Returns the free space that the upgrade of a database of a size needs, in bytes.
///
/// The new file is about a tenth larger. While an index is created, a temporary file and the write-ahead log contain it,
/// too. With 500,000 events, all files together needed 1.2 times the size of the database, and the temporary file less
/// than 0.2 times.
fn needed_space(size: u64) -> u64 {
    size.saturating_add(size / 2).saturating_add(LOG)
}

/// Checks the free disk space before anything changes. The file of an interrupted upgrade counts as free.
fn check_space(path: &Path, new: &Path) -> Result<(), StoreError> {
    let size = |path: &Path| fs::metadata(path).map_or(0, |metadata| metadata.len());
    let needed = needed_space(size(path) + size(&log_of(path)));
    let Some(Ok(disk)) = path.parent().map(rustix::fs::statvfs) else {
        // The upgrade itself reports a disk that is full.
        return Ok(());
    };
    let used = size(new) + size(&log_of(new));
    let available = disk
        .f_bavail
        .saturating_mul(disk.f_frsize)
        .saturating_add(used);
    if available < needed {
        return Err(StoreError::NoSpace { needed, available });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
