//! Opening a connection, and the migrations.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use crate::store::port::StoreError;

pub(super) const MIGRATIONS: &[&str] = &[
    include_str!("../../../migrations/0001_start.sql"),
    include_str!("../../../migrations/0002_keys.sql"),
    include_str!("../../../migrations/0003_families.sql"),
    include_str!("../../../migrations/0004_large_bodies.sql"),
];

/// Pages of the log at which it is copied into the database file.
pub(super) const CHECKPOINT: i64 = 4000;

/// Opens the writer's connection.
pub(super) fn open(path: &Path) -> Result<Connection, StoreError> {
    // The name is the data directory's; 0600 as all files there, before SQLite makes it with the umask's mode.
    if !path.exists() {
        let created =
            hh_auth::private_file::write_private(path, b"", hh_auth::private_file::Replace::No);
        created.map_err(|_| rusqlite::Error::InvalidPath(path.to_owned()))?;
    }
    let connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", "ON")?;
    connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT)?;
    connection.pragma_update(None, "cache_size", -16_384)?;
    keep_in_memory(&connection)?;
    Ok(connection)
}

/// Opens a connection that can only read.
pub(super) fn open_reader(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    keep_in_memory(&connection)?;
    Ok(connection)
}

/// Keeps temporary data out of files: SQLite would make them in `/var/tmp` or `/tmp`, where the rules of the data
/// directory do not hold. What is left of it is small: pages of events are read in the order of an index.
fn keep_in_memory(connection: &Connection) -> Result<(), StoreError> {
    Ok(connection.pragma_update(None, "temp_store", "MEMORY")?)
}

/// Brings the database to the newest schema, each step whole or not at all.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let done = usize::try_from(version).map_err(|_| StoreError::Newer)?;
    if done > MIGRATIONS.len() {
        return Err(StoreError::Newer);
    }
    for (number, sql) in (1_i64..).zip(MIGRATIONS).skip(done) {
        let transaction = connection.transaction()?;
        transaction.execute_batch(sql)?;
        transaction.pragma_update(None, "user_version", number)?;
        transaction.commit()?;
    }
    Ok(())
}
