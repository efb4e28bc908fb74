//! A limit for the write-ahead log while queries over events overlap.
//!
//! Each query holds a version of the database. SQLite writes the log anew from its beginning only when none is held, so
//! that queries which overlap without end would let it grow without end.

use std::fs;

use super::engine::Sqlite;
use super::schema::CHECKPOINT;
use crate::store::port::StoreError;

/// Above this size no query over events starts before the log is empty: twice what SQLite lets it grow to.
const MAX_LOG: u64 = 2 * CHECKPOINT.unsigned_abs() * 4096;

impl Sqlite {
    /// Empties the log if it is too large.
    pub(super) async fn limit_log(&self) -> Result<(), StoreError> {
        if self.log_size() <= MAX_LOG {
            return Ok(());
        }
        let _pause = self.readers.pause_events().await?;
        // Another query may have done it meanwhile.
        if self.log_size() > MAX_LOG {
            self.writer.empty_log().wait().await?;
        }
        Ok(())
    }

    fn log_size(&self) -> u64 {
        fs::metadata(&self.log_path).map_or(0, |metadata| metadata.len())
    }
}
