//! Defines the engine that executes the commands and queries.

use std::sync::Arc;

use rusqlite::Connection;
use tokio::sync::Semaphore;

use super::checkpoints::Checkpoints;
use super::deletions::Deletions;
use super::key_rows;
use super::log_file::LogFile;
use super::reader::Readers;
use super::turns::Turns;
use super::writer::Writer;
use crate::clock::Clock;
use crate::store::catalog::Catalog;
use crate::store::port::{KeyObserver, StoreError};

/// An open database.
pub(crate) struct Sqlite {
    pub(super) writer: Arc<Writer>,
    pub(super) deletions: Arc<Deletions>,
    pub(super) checkpoints: Arc<Checkpoints>,
    pub(super) readers: Arc<Readers>,
    pub(super) log: LogFile,
    pub(super) event_turns: Turns,
    pub(super) body_turns: Turns,
    pub(super) merge_turns: Turns,
    /// The permit for a merge outside the writer.
    pub(super) merges: Arc<Semaphore>,
    pub(super) catalog: Arc<Catalog>,
    pub(super) keys: Arc<dyn KeyObserver>,
    pub(super) clock: Arc<Clock>,
}

impl Sqlite {
    /// Returns the check with which each command of a key begins, because the key may have been revoked or have expired
    /// since its request was authorized.
    pub(super) fn check_live(
        &self,
        key: i64,
    ) -> impl Fn(&Connection) -> Result<(), StoreError> + Send + use<> {
        let clock = Arc::clone(&self.clock);
        move |connection| key_rows::check_live(connection, key, clock.key_time())
    }

    /// Stops the writer after all queued commands. It copies the whole log into the database file.
    pub(crate) async fn close(&self) {
        let (readers, checkpoints) = (Arc::clone(&self.readers), Arc::clone(&self.checkpoints));
        let deletions = Arc::clone(&self.deletions);
        let close = move || {
            deletions.close();
            readers.close();
            checkpoints.close();
        };
        drop(tokio::task::spawn_blocking(close).await);
        self.writer.close().await;
    }
}
