//! What the queue and its threads share.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hh_config::Settings;
use tokio::sync::Notify;

use crate::ErrorKind;
use crate::catch::catch;
use crate::tracer::exporter::Exporter;
use crate::tracer::state::{Limits, Replies, State};

/// The encoded bytes of the spans of one export: well below what servers take.
const MAX_BATCH_BYTES: usize = 4 * 1024 * 1024;

/// What a thread runs.
pub(crate) type Task = Box<dyn FnOnce() + Send>;

/// Starts a thread with a name.
type Spawn = Box<dyn Fn(&str, Task) -> io::Result<()> + Send + Sync>;

/// The state of the queue, and what its threads need to look at it and to be woken.
pub(crate) struct Inner {
    /// Taken by the export thread when it starts.
    exporter: Mutex<Option<Box<dyn Exporter>>>,
    pub(crate) batch_size: usize,
    pub(crate) max_batch_bytes: usize,
    pub(crate) flush_interval: Duration,
    pub(crate) retry_delay: Duration,
    state: Mutex<State>,
    /// Wakes the thread: a first span, a full batch, a flush, the end.
    pub(crate) wake: Notify,
    /// Has the deadlines of flushes looked at again, also while a request is under way.
    pub(crate) flushed: Notify,
    /// Wakes the watchdog when a flush has ended.
    answered: Condvar,
    thread_started: AtomicBool,
    pub(crate) spawn: Spawn,
}

impl Inner {
    pub(super) fn new(exporter: Box<dyn Exporter>, settings: &Settings) -> Self {
        let size = |value: u64| usize::try_from(value).unwrap_or(usize::MAX);
        let (batch_size, bytes) = (
            size(settings.batch_size.value),
            size(settings.max_queue_bytes.value),
        );
        Self {
            exporter: Mutex::new(Some(exporter)),
            batch_size,
            // What is being sent leaves room for what comes meanwhile.
            max_batch_bytes: MAX_BATCH_BYTES.min(bytes / 4),
            flush_interval: settings.flush_interval.value,
            retry_delay: settings.retry_delay.value,
            state: Mutex::new(State::new(Limits {
                count: size(settings.max_queue_size.value),
                bytes,
                // A request then consists of whole blocks.
                block: batch_size,
            })),
            wake: Notify::new(),
            flushed: Notify::new(),
            answered: Condvar::new(),
            thread_started: AtomicBool::new(false),
            spawn: Box::new(|name, task| {
                let thread = std::thread::Builder::new().name(name.to_owned());
                thread.spawn(task).map(drop)
            }),
        }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives answers to flushes; call it with the state unlocked.
    pub(crate) fn deliver(&self, due: Replies) {
        let Replies { answers, dropped } = due;
        if !answers.is_empty() {
            self.answered.notify_all();
        }
        for (answer, result) in answers {
            let tells = result
                .as_ref()
                .is_err_and(|error| error.kind() == ErrorKind::Dropped);
            // Marked before it is told: whoever receives it may flush again at once.
            let before = self.lock().reported();
            if tells {
                self.lock().set_reported(before.max(dropped));
            }
            // It wakes a task, whose waker is other people's code and may panic once it has the outcome.
            let is_received = catch(|| answer(result)).unwrap_or(true);
            if !is_received && tells {
                // The caller of this flush is gone, so the next flush reports the loss.
                self.lock().set_reported(before);
            }
        }
    }

    /// Returns the exporter, once.
    pub(crate) fn take_exporter(&self) -> Option<Box<dyn Exporter>> {
        let mut exporter = self.exporter.lock().unwrap_or_else(PoisonError::into_inner);
        exporter.take()
    }

    /// Waits until a flush has ended, or so long.
    pub(crate) fn wait_for_answer<'a>(
        &self,
        state: MutexGuard<'a, State>,
        limit: Duration,
    ) -> MutexGuard<'a, State> {
        let waited = self.answered.wait_timeout(state, limit);
        waited.unwrap_or_else(PoisonError::into_inner).0
    }

    /// Marks the export thread as started; returns whether it was before.
    pub(crate) fn mark_started(&self) -> bool {
        self.thread_started.load(Ordering::Acquire)
            || self.thread_started.swap(true, Ordering::AcqRel)
    }

    /// Has the next span or flush start the export thread again.
    pub(crate) fn mark_not_started(&self) {
        self.thread_started.store(false, Ordering::Release);
    }
}
