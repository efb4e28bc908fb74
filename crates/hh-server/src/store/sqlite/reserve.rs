//! Reserves disk space for key changes: a file that is deleted when a key cannot be revoked for lack of space.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// The size of the reserve file. A revocation adds 4 KiB to the log of the database and a rotation about 30 KiB, so
/// this is enough for about 250 revocations or 30 rotations in a row.
pub(super) const BYTES: usize = 1024 * 1024;
/// The delay between attempts to create the file again, because each attempt can write up to the whole size.
const RETRY: Duration = Duration::from_secs(1);

/// The reserve file. While it is missing, only key changes are stored.
pub(super) struct Reserve {
    path: PathBuf,
    /// The time of the next attempt to create it; `None` while it exists.
    missing: Option<Instant>,
}

impl Reserve {
    pub(super) fn new(path: PathBuf) -> Self {
        Self {
            path,
            missing: Some(Instant::now()),
        }
    }

    pub(super) fn is_missing(&self) -> bool {
        self.missing.is_some()
    }

    /// Returns whether an attempt to create the file again is due.
    pub(super) fn is_due(&self) -> bool {
        self.missing.is_some_and(|due| Instant::now() >= due)
    }

    /// Deletes the file; returns whether that freed its space.
    pub(super) fn release(&mut self) -> bool {
        let is_released = fs::remove_file(&self.path).is_ok();
        self.missing = Some(Instant::now() + RETRY);
        is_released
    }

    /// Creates the file if it is missing or incomplete.
    pub(super) fn restore(&mut self) -> io::Result<()> {
        self.missing = Some(Instant::now() + RETRY);
        let is_whole = fs::symlink_metadata(&self.path)
            .is_ok_and(|found| found.is_file() && found.len() == BYTES as u64);
        if !is_whole {
            // An incomplete file uses disk space but is not sufficient as a reserve.
            drop(fs::remove_file(&self.path));
            self.write()
                .inspect_err(|_| drop(fs::remove_file(&self.path)))?;
        }
        self.missing = None;
        Ok(())
    }

    /// Creates the file with random bytes. A file system that compresses data or omits zeros would reserve no space for
    /// zeros.
    fn write(&self) -> io::Result<()> {
        let mut bytes = vec![0; BYTES];
        getrandom::fill(&mut bytes).map_err(io::Error::other)?;
        let mut file = File::options()
            .create_new(true)
            .write(true)
            .mode(0o600)
            .open(&self.path)?;
        file.write_all(&bytes)?;
        file.sync_all()
    }
}

#[cfg(test)]
mod tests;
