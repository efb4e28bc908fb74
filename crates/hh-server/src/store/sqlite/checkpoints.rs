//! Copies the write-ahead log into the database file on a thread of its own, so that commits do not wait for it.
//!
//! The thread copies most of a long log while the writer continues. SQLite reuses the log from its beginning only when
//! all of it is copied, so the writer copies the rest, which is short, between two commits. Only one connection can copy
//! at a time, and SQLite does not let the other one wait, so the writer [pauses](Checkpoints::pause) the thread first.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread::JoinHandle;

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::schema;
use crate::store::port::StoreError;

/// The thread that copies the log. Dropping it stops the thread.
pub(super) struct Checkpoints {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Default)]
struct Shared {
    requests: Mutex<Requests>,
    changed: Condvar,
    /// Whether the log may be copied. The lock is held during each copy.
    is_allowed: Mutex<bool>,
    /// Whether the thread has copied the log since the writer last copied the rest of it.
    has_copied: AtomicBool,
}

/// A guard during which the thread does not copy the log.
pub(super) struct Pause<'a> {
    shared: &'a Shared,
    _copying: MutexGuard<'a, bool>,
}

impl Drop for Pause<'_> {
    fn drop(&mut self) {
        // The holder of the guard has copied what was requested.
        self.shared.requests().is_requested = false;
        self.shared.has_copied.store(false, Ordering::Release);
    }
}

#[derive(Default)]
struct Requests {
    is_requested: bool,
    /// Whether the thread copies the log.
    is_copying: bool,
    is_closed: bool,
    waiting: Vec<oneshot::Sender<()>>,
}

impl Checkpoints {
    pub(super) fn start(path: &Path) -> Result<Self, StoreError> {
        let connection = schema::open_checkpointer(path)?;
        let shared = Arc::new(Shared {
            is_allowed: Mutex::new(true),
            ..Shared::default()
        });
        let in_thread = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("hh-checkpoint".to_owned())
            .spawn(move || run(&in_thread, &connection))
            .map_err(|_| StoreError::Stopped)?;
        Ok(Self {
            shared,
            thread: Mutex::new(Some(thread)),
        })
    }

    /// Requests a copy of the log without waiting for it. Has no effect while the thread copies.
    pub(super) fn request(&self) {
        let mut requests = self.shared.requests();
        if !requests.is_copying {
            requests.is_requested = true;
            drop(requests);
            self.shared.changed.notify_one();
        }
    }

    /// Waits until the thread has copied the log. Does nothing after the thread was stopped.
    pub(super) async fn run(&self) {
        let (done, waiting) = oneshot::channel();
        if self.shared.add(done) {
            drop(waiting.await);
        }
    }

    /// Allows or forbids to copy the log. Waits for a copy that is in progress.
    pub(super) fn allow(&self, is_allowed: bool) {
        *lock(&self.shared.is_allowed) = is_allowed;
    }

    /// Returns whether the thread has copied the log since the last pause.
    pub(super) fn has_copied(&self) -> bool {
        self.shared.has_copied.load(Ordering::Acquire)
    }

    /// Waits for a copy that is in progress, and pauses the thread, so that another connection can copy the log.
    pub(super) fn pause(&self) -> Pause<'_> {
        Pause {
            _copying: lock(&self.shared.is_allowed),
            shared: &self.shared,
        }
    }

    /// Pauses the thread like [`Checkpoints::pause`], unless it copies.
    pub(super) fn try_pause(&self) -> Option<Pause<'_>> {
        let copying = match self.shared.is_allowed.try_lock() {
            Ok(copying) => copying,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return None,
        };
        Some(Pause {
            _copying: copying,
            shared: &self.shared,
        })
    }

    /// Stops the thread and closes its connection. Blocks.
    pub(super) fn close(&self) {
        self.stop();
        if let Some(thread) = lock(&self.thread).take() {
            drop(thread.join());
        }
    }

    fn stop(&self) {
        let mut requests = self.shared.requests();
        requests.is_closed = true;
        requests.waiting.clear();
        drop(requests);
        self.shared.changed.notify_one();
    }
}

impl Drop for Checkpoints {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Shared {
    fn requests(&self) -> MutexGuard<'_, Requests> {
        lock(&self.requests)
    }

    /// Requests a copy for a caller that waits; returns false after the thread was stopped.
    fn add(&self, waiting: oneshot::Sender<()>) -> bool {
        let mut requests = self.requests();
        if requests.is_closed {
            return false;
        }
        requests.is_requested = true;
        requests.waiting.push(waiting);
        drop(requests);
        self.changed.notify_one();
        true
    }

    /// Waits for requests; returns their senders, or `None` when the thread must stop.
    fn wait(&self) -> Option<Vec<oneshot::Sender<()>>> {
        let mut requests = self.requests();
        while !requests.is_requested && !requests.is_closed {
            requests = self
                .changed
                .wait(requests)
                .unwrap_or_else(PoisonError::into_inner);
        }
        requests.is_requested = false;
        requests.is_copying = true;
        (!requests.is_closed).then(|| std::mem::take(&mut requests.waiting))
    }
}

fn run(shared: &Shared, connection: &Connection) {
    while let Some(waiting) = shared.wait() {
        let is_allowed = lock(&shared.is_allowed);
        if *is_allowed {
            copy(connection);
            shared.has_copied.store(true, Ordering::Release);
        }
        shared.requests().is_copying = false;
        drop(is_allowed);
        // Dropping the senders wakes the callers.
        drop(waiting);
    }
}

/// Copies the log as far as no reader needs its older content. An error is not reported: the log stays as it is, and the
/// next request copies it.
pub(super) fn copy(connection: &Connection) {
    drop(connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(())));
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
