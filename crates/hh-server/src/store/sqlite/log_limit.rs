//! Limits the size of the write-ahead log while queries over events overlap.
//!
//! Each query reads a snapshot of the database. SQLite reuses the log from its beginning only when no snapshot is in
//! use, so the log would grow without limit while queries continuously overlap.

use super::engine::Sqlite;
use crate::store::port::StoreError;

impl Sqlite {
    /// Empties the log if it exceeds its limit.
    pub(super) async fn limit_log(&self) -> Result<(), StoreError> {
        let log = &self.log;
        if !log.is_long() || !log.is_due() {
            return Ok(());
        }
        let _pause = self.readers.pause_events().await?;
        // Another query may have emptied the log in the meantime.
        if log.is_long() && log.is_due() {
            // The writer then has little left to copy.
            self.checkpoints.run().await;
            self.writer.empty_log().wait().await?;
            log.note_attempt();
        }
        Ok(())
    }
}
