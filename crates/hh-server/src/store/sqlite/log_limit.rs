//! Limits the size of the write-ahead log while queries over events overlap.
//!
//! Each query reads a snapshot of the database. SQLite reuses the log from its beginning only when no snapshot is in
//! use, so the log would grow without limit while queries continuously overlap.

use std::fs;

use super::engine::Sqlite;
use super::schema::CHECKPOINT;
use crate::store::port::StoreError;

/// The size of the log, in bytes, above which no query over events starts before the log is empty. It is twice the size
/// at which the log is copied into the database file.
const MAX_LOG: u64 = 2 * CHECKPOINT.unsigned_abs() * 4096;

impl Sqlite {
    /// Empties the log if it exceeds [`MAX_LOG`].
    pub(super) async fn limit_log(&self) -> Result<(), StoreError> {
        if self.log_size() <= MAX_LOG {
            return Ok(());
        }
        let _pause = self.readers.pause_events().await?;
        // Another query may have emptied the log in the meantime.
        if self.log_size() > MAX_LOG {
            // The writer then has little left to copy.
            self.checkpoints.run().await;
            self.writer.empty_log().wait().await?;
        }
        Ok(())
    }

    fn log_size(&self) -> u64 {
        fs::metadata(&self.log_path).map_or(0, |metadata| metadata.len())
    }
}
