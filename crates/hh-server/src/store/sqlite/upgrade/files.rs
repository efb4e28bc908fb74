//! Handles the files of an upgrade.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use crate::store::port::StoreError;

/// The state of a database file. A file that another version has changed since then has another one.
pub(super) struct Source(pub(super) String);

impl Source {
    pub(super) fn of(connection: &Connection, path: &Path) -> Result<Self, StoreError> {
        // Changes in the log do not change the file.
        let is_busy = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| {
            row.get::<_, bool>(0)
        })?;
        if is_busy {
            return Err(StoreError::Busy);
        }
        let metadata = fs::metadata(path).map_err(|error| io_error(&error))?;
        let modified = metadata.modified().map_err(|error| io_error(&error))?;
        let since = modified
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap_or_default();
        Ok(Self(format!("{} {}", metadata.len(), since.as_nanos())))
    }
}

/// Closes the last connection to a database, which removes its log.
pub(super) fn close(connection: Connection, path: &Path) -> Result<(), StoreError> {
    connection.close().map_err(|(_, error)| error)?;
    // SQLite would apply a log that is left to the new file.
    let log = log_of(path);
    if fs::metadata(&log).is_ok_and(|metadata| metadata.len() > 0) {
        return Err(StoreError::Damaged(
            "the write-ahead log could not be removed".to_owned(),
        ));
    }
    Ok(())
}

/// Replaces the database with the new file, which is complete and closed.
pub(super) fn replace(path: &Path, new: &Path) -> io::Result<()> {
    File::open(new)?.sync_all()?;
    fs::rename(new, path)?;
    let dir = path.parent().unwrap_or(Path::new("."));
    File::open(dir)?.sync_all()
}

/// Deletes the file of an upgrade, if it exists.
pub(super) fn discard(new: &Path) {
    for path in [new.to_owned(), log_of(new), with_suffix(new, "-shm")] {
        drop(fs::remove_file(path));
    }
}

/// Returns the path of the write-ahead log of a database.
pub(super) fn log_of(path: &Path) -> PathBuf {
    with_suffix(path, "-wal")
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut path = path.as_os_str().to_owned();
    path.push(suffix);
    path.into()
}

pub(super) fn io_error(error: &io::Error) -> StoreError {
    if error.kind() == io::ErrorKind::StorageFull {
        return StoreError::DiskFull(None);
    }
    StoreError::Damaged(format!("the database could not be replaced: {error}"))
}
