//! Knows the length of the write-ahead log.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use rusqlite::Connection;

use super::super::schema::CHECKPOINT;
use crate::store::port::StoreError;

/// The number of pages in the log above which the writer copies it, because the thread for it is too slow.
const TOO_LONG: i64 = 4 * CHECKPOINT;

/// The length of the log after the last commit.
pub(super) struct Log {
    pages: Arc<AtomicI64>,
    /// The number of pages at the last copy, or 0 if SQLite has reused the log since then.
    copied: i64,
}

impl Log {
    /// Returns the log of a connection.
    pub(super) fn of(connection: &mut Connection) -> Result<Self, StoreError> {
        let pages = Arc::<AtomicI64>::default();
        let after_commit = Arc::clone(&pages);
        connection.wal_hook(Some(move |_: &mut _, pages| {
            after_commit.store(i64::from(pages), Ordering::Relaxed);
            Ok(())
        }))?;
        Ok(Self { pages, copied: 0 })
    }

    /// Returns whether the log should be copied.
    pub(super) fn is_long(&mut self) -> bool {
        let pages = self.pages();
        if pages <= self.copied {
            self.copied = 0;
        }
        pages > self.copied + CHECKPOINT
    }

    /// Returns whether the log must be copied now.
    pub(super) fn is_too_long(&self) -> bool {
        self.pages() >= TOO_LONG.max(self.copied + 2 * CHECKPOINT)
    }

    /// Notes that the log was copied as far as possible. While a reader prevents that the log is reused, the next copy is
    /// only due after more pages: each one sorts all pages of the log.
    pub(super) fn set_copied(&mut self) {
        self.copied = self.pages();
    }

    fn pages(&self) -> i64 {
        self.pages.load(Ordering::Relaxed)
    }
}
