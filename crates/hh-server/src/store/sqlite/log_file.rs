//! Knows the size of the file of the write-ahead log.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::schema::CHECKPOINT;

/// The size of the log, in bytes, above which no query over events starts before the log is empty. It is twice the size
/// at which the log is copied into the database file.
const MAX_LOG: u64 = 2 * CHECKPOINT.unsigned_abs() * 4096;

/// How long queries do not try to empty the log again after a reader of another process has prevented it.
const RETRY: Duration = Duration::from_secs(10);

/// The file of the log.
pub(super) struct LogFile {
    path: PathBuf,
    /// The time before which the log is not emptied again.
    next: Mutex<Option<Instant>>,
}

impl LogFile {
    /// Returns the log of a database.
    pub(super) fn of(database: &Path) -> Self {
        Self {
            path: database.with_extension("db-wal"),
            next: Mutex::default(),
        }
    }

    /// Returns whether the log exceeds its limit.
    pub(super) fn is_long(&self) -> bool {
        fs::metadata(&self.path).is_ok_and(|metadata| metadata.len() > MAX_LOG)
    }

    /// Returns whether the log can be emptied.
    pub(super) fn is_due(&self) -> bool {
        let next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        next.is_none_or(|next| Instant::now() >= next)
    }

    /// Delays the next attempt if the last one failed.
    pub(super) fn note_attempt(&self) {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        *next = self.is_long().then(|| Instant::now() + RETRY);
    }
}
