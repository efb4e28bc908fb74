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
    /// The number of pages from which on the log is too long.
    too_long: i64,
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
        Ok(Self {
            pages,
            too_long: TOO_LONG,
        })
    }

    /// Returns whether the log should be copied.
    pub(super) fn is_long(&self) -> bool {
        self.pages.load(Ordering::Relaxed) > CHECKPOINT
    }

    /// Returns whether the log must be copied now. While a reader prevents that, it is only due again after more pages:
    /// each attempt sorts all pages of the log.
    pub(super) fn is_too_long(&mut self) -> bool {
        let pages = self.pages.load(Ordering::Relaxed);
        if pages < TOO_LONG {
            self.too_long = TOO_LONG;
        }
        let is_too_long = pages >= self.too_long;
        if is_too_long {
            self.too_long = pages + CHECKPOINT;
        }
        is_too_long
    }
}
