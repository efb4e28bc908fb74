//! Opens connections, and migrates the schema.

use std::fs;
use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use crate::store::port::StoreError;

pub(super) const MIGRATIONS: &[&str] = &[
    include_str!("../../../migrations/0001_start.sql"),
    include_str!("../../../migrations/0002_keys.sql"),
    include_str!("../../../migrations/0003_families.sql"),
    include_str!("../../../migrations/0004_large_bodies.sql"),
    include_str!("../../../migrations/0005_events.sql"),
    include_str!("../../../migrations/0006_deletions.sql"),
    include_str!("../../../migrations/0007_listed.sql"),
];

/// The number of pages in the log above which it is copied into the database file.
pub(super) const CHECKPOINT: i64 = 4000;

/// How long the writer waits for other processes that write to the database.
pub(super) const WRITER_WAIT: Duration = Duration::from_secs(5);

/// The number of prepared statements that a connection keeps. Queries for events have many forms.
const STATEMENTS: usize = 64;

/// Opens the connection of the writer.
pub(super) fn open(path: &Path) -> Result<Connection, StoreError> {
    // The file is created with mode 0600, like all files in the data directory. SQLite would use the mode of the umask.
    if !path.exists() {
        let created =
            hh_auth::private_file::write_private(path, b"", hh_auth::private_file::Replace::No);
        created.map_err(|_| rusqlite::Error::InvalidPath(path.to_owned()))?;
    }
    let connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    // In an existing database, SQLite would write the value again at each start.
    if fs::metadata(path).is_ok_and(|metadata| metadata.len() == 0) {
        connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    }
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", "ON")?;
    // A thread copies the log.
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    // A log that a reader prevented from being reused becomes short again.
    connection.pragma_update(None, "journal_size_limit", CHECKPOINT * 4096)?;
    connection.busy_timeout(WRITER_WAIT)?;
    connection.pragma_update(None, "cache_size", -16_384)?;
    keep_statements(&connection)?;
    keep_in_memory(&connection)?;
    Ok(connection)
}

/// Opens a connection that copies the log into the database file.
pub(super) fn open_checkpointer(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    // The log is synchronized before its pages are copied, and the database file after that.
    connection.pragma_update(None, "synchronous", "FULL")?;
    Ok(connection)
}

/// Opens a connection that can only read.
pub(super) fn open_reader(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    keep_statements(&connection)?;
    keep_in_memory(&connection)?;
    Ok(connection)
}

/// Keeps prepared statements.
fn keep_statements(connection: &Connection) -> Result<(), StoreError> {
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    // Without this option, SQLite prepares many statements again for each execution, because another plan might be better
    // for the new values of the parameters. It has no statistics of the tables, so the plan would be the same.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(())
}

/// Stores temporary data in memory. SQLite would create files in `/var/tmp` or `/tmp`, outside the protected data
/// directory. The temporary data is small, because pages of events are read in the order of an index.
fn keep_in_memory(connection: &Connection) -> Result<(), StoreError> {
    Ok(connection.pragma_update(None, "temp_store", "MEMORY")?)
}

/// Migrates the database to a version of the schema, with one transaction per migration.
pub(super) fn migrate_to(connection: &mut Connection, version: i64) -> Result<(), StoreError> {
    let done = self::version(connection)?;
    for (number, sql) in (1_i64..).zip(MIGRATIONS) {
        if number <= done || number > version {
            continue;
        }
        let transaction = connection.transaction()?;
        transaction.execute_batch(sql)?;
        transaction.pragma_update(None, "user_version", number)?;
        transaction.commit()?;
    }
    Ok(())
}

/// Returns the version of the schema; 0 for an empty database.
pub(super) fn version(connection: &Connection) -> Result<i64, StoreError> {
    Ok(connection.query_row("PRAGMA user_version", [], |row| row.get(0))?)
}

/// The newest version of the schema.
pub(super) fn newest() -> i64 {
    i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX)
}
