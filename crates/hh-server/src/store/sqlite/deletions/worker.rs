//! The thread that continues deletions. It deletes rows in short commands of the writer with pauses between them, so
//! that other commands wait for at most one of them.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::super::checkpoints::Checkpoints;
use super::super::writer::Writer;
use super::expired::Expiry;
use super::work::{Done, Next, Pending, Worker};
use crate::store::deletions::{DeletedRows, RetentionRule};

/// The time before work that failed is repeated, for example on a full disk.
const RETRY: Duration = Duration::from_secs(1);

/// The deletions that are not complete. Dropping it stops the thread after its current command.
pub(in super::super) struct Deletions {
    shared: Arc<Shared>,
    writer: Arc<Writer>,
    checkpoints: Arc<Checkpoints>,
    path: PathBuf,
    thread: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    has_work: bool,
    is_closed: bool,
    waiting: Vec<Waiting>,
    expiry: Option<Expiry>,
}

/// A request that waits for a deletion.
struct Waiting {
    pending: Pending,
    progress: watch::Sender<DeletedRows>,
    /// Whether the current part of the work began after the request began to wait.
    is_seen: bool,
}

impl Deletions {
    pub(in super::super) fn new(
        path: &Path,
        writer: Arc<Writer>,
        checkpoints: Arc<Checkpoints>,
    ) -> Self {
        Self {
            shared: Arc::default(),
            writer,
            checkpoints,
            path: path.to_owned(),
            thread: Mutex::default(),
        }
    }

    /// Continues the stored deletions. The first call starts the thread.
    pub(in super::super) fn wake(&self) {
        self.shared.state().has_work = true;
        self.shared.changed.notify_one();
        let mut thread = lock(&self.thread);
        if thread.is_some() {
            return;
        }
        let shared = Arc::clone(&self.shared);
        let (writer, checkpoints) = (Arc::clone(&self.writer), Arc::clone(&self.checkpoints));
        let mut worker = Worker::new(&self.path, writer, checkpoints);
        let started = std::thread::Builder::new()
            .name("hh-delete".to_owned())
            .spawn(move || shared.run(&mut worker));
        match started {
            Ok(started) => *thread = Some(started),
            Err(error) => tracing::error!(
                "the thread for deletions cannot start ({error}); the next deletion starts it"
            ),
        }
    }

    /// Continues the stored deletions, and reports the rows of one of them to `progress`.
    pub(super) fn report(&self, pending: Pending, progress: watch::Sender<DeletedRows>) {
        self.shared.state().waiting.push(Waiting {
            pending,
            progress,
            is_seen: false,
        });
        self.wake();
    }

    /// Deletes expired rows, and returns the progress. A rule that is still being applied is replaced.
    pub(super) fn expire(&self, rule: RetentionRule) -> watch::Receiver<DeletedRows> {
        let (progress, rows) = watch::channel(DeletedRows::pending());
        self.shared.state().expiry = Some(Expiry::new(rule, progress));
        self.wake();
        rows
    }

    /// Stops the thread. Blocks.
    pub(in super::super) fn close(&self) {
        self.shared.stop();
        if let Some(thread) = lock(&self.thread).take() {
            drop(thread.join());
        }
    }
}

impl Drop for Deletions {
    fn drop(&mut self) {
        self.shared.stop();
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    fn stop(&self) {
        let mut state = self.state();
        state.is_closed = true;
        // Dropping the senders ends the wait of the requests.
        state.waiting.clear();
        state.expiry = None;
        drop(state);
        self.changed.notify_one();
    }

    fn run(&self, worker: &mut Worker) {
        let mut has_failed = false;
        while self.wait() {
            let mut expiry = self.state().expiry.take();
            let begin = Instant::now();
            let done = worker.advance(expiry.as_mut());
            let is_idle = matches!(&done, Ok(done) if done.next == Next::Idle);
            let pause = match &done {
                // Deletions use at most half of the time of the writer.
                Ok(_) => begin.elapsed(),
                Err(error) => {
                    if !has_failed {
                        tracing::warn!("a deletion failed and is retried every second: {error}");
                    }
                    RETRY
                }
            };
            has_failed = done.is_err();
            let mut state = self.state();
            state.has_work |= !is_idle;
            // The rule may have been replaced in the meantime.
            if !state.is_closed && state.expiry.is_none() {
                state.expiry = expiry.filter(|expiry| !expiry.is_complete());
            }
            if let Ok(done) = &done {
                state.record(done);
            }
            drop(state);
            if !is_idle {
                self.pause(pause);
            }
        }
    }

    /// Waits for work; returns false when the thread must stop.
    fn wait(&self) -> bool {
        let mut state = self.state();
        while !state.has_work && !state.is_closed {
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        state.has_work = false;
        for waiting in &mut state.waiting {
            waiting.is_seen = true;
        }
        !state.is_closed
    }

    /// Waits for a time, or until the thread must stop.
    fn pause(&self, time: Duration) {
        let (state, end) = (self.state(), Instant::now() + time);
        let is_over = |state: &mut State| !state.is_closed && Instant::now() < end;
        drop(
            self.changed
                .wait_timeout_while(state, time, is_over)
                .unwrap_or_else(PoisonError::into_inner),
        );
    }
}

impl State {
    /// Reports a part that was deleted to the requests that wait for it.
    fn record(&mut self, done: &Done) {
        self.waiting.retain(|waiting| {
            let Waiting {
                pending, progress, ..
            } = waiting;
            for (_, rows) in done.deleted.iter().filter(|(part, _)| part == pending) {
                progress.send_modify(|all| all.add(*rows));
            }
            let is_complete = match pending {
                Pending::Session(_) => done.complete.contains(pending),
                Pending::Search(_) => waiting.is_seen && done.next > Next::Searches,
                Pending::Projects => waiting.is_seen && done.next > Next::Projects,
            };
            if is_complete {
                progress.send_modify(|all| all.is_pending = false);
            }
            !is_complete && !progress.is_closed()
        });
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
