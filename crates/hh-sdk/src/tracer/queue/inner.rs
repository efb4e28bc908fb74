//! The state that the queue shares with its threads.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hh_config::Settings;
use tokio::sync::Notify;

use crate::ErrorKind;
use crate::catch::catch;
use crate::report::Reporter;
use crate::tracer::exporter::Exporter;
use crate::tracer::state::{Limits, Replies, State};

/// The limit of the encoded spans of one export, in bytes, well below the limits of servers.
const MAX_BATCH_BYTES: usize = 4 * 1024 * 1024;

/// The function of a thread.
pub(crate) type Task = Box<dyn FnOnce() + Send>;

/// A function that starts a thread with a name.
type Spawn = Box<dyn Fn(&str, Task) -> io::Result<()> + Send + Sync>;

/// The state of the queue, with the means to wake its threads.
pub(crate) struct Inner {
    /// The exporter; `None` after the export thread has taken it.
    exporter: Mutex<Option<Box<dyn Exporter>>>,
    pub(crate) batch_size: usize,
    pub(crate) max_batch_bytes: usize,
    pub(crate) flush_interval: Duration,
    pub(crate) retry_delay: Duration,
    state: Mutex<State>,
    /// Wakes the export thread for a first span, a full batch, a flush or a shutdown.
    pub(crate) wake: Notify,
    /// Requests a check of the deadlines of flushes, also during a request.
    pub(crate) flushed: Notify,
    /// Wakes the watchdog when a flush has ended.
    answered: Condvar,
    thread_started: AtomicBool,
    /// The receiver of warnings, if the log level includes them.
    warnings: Option<Reporter>,
    pub(crate) spawn: Spawn,
}

impl Inner {
    /// Creates the state of an open, empty queue.
    pub(super) fn new(
        exporter: Box<dyn Exporter>,
        settings: &Settings,
        warnings: Option<Reporter>,
    ) -> Self {
        let size = |value: u64| usize::try_from(value).unwrap_or(usize::MAX);
        let (batch_size, bytes) = (
            size(settings.batch_size.value),
            size(settings.max_queue_bytes.value),
        );
        let limits = Limits {
            count: size(settings.max_queue_size.value),
            bytes,
            // With this limit, requests consist of whole blocks.
            block: batch_size,
        };
        Self {
            batch_size,
            // An export in progress leaves room for new telemetry.
            max_batch_bytes: MAX_BATCH_BYTES.min(bytes / 4),
            flush_interval: settings.flush_interval.value,
            retry_delay: settings.retry_delay.value,
            state: Mutex::new(State::new(limits).with_failure(exporter.last_failure())),
            exporter: Mutex::new(Some(exporter)),
            wake: Notify::new(),
            flushed: Notify::new(),
            answered: Condvar::new(),
            thread_started: AtomicBool::new(false),
            warnings,
            spawn: Box::new(|name, task| {
                let thread = std::thread::Builder::new().name(name.to_owned());
                thread.spawn(task).map(drop)
            }),
        }
    }

    /// Locks the state.
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Delivers the results of flushes. The caller must not hold the lock.
    pub(crate) fn deliver(&self, due: Replies) {
        let Replies { answers, dropped } = due;
        if !answers.is_empty() {
            self.answered.notify_all();
        }
        for (answer, result) in answers {
            // A flush that was canceled must not mark a loss as reported, not even for a moment.
            let reports_loss = answer.is_awaited()
                && result
                    .as_ref()
                    .is_err_and(|error| error.kind() == ErrorKind::Dropped);
            // Marked before delivery, because the receiver may flush again immediately.
            let before = self.lock().reported();
            if reports_loss {
                self.lock().set_reported(before.max(dropped));
            }
            // Delivery wakes a task. The waker is code of the program and may panic after the result was received.
            let is_received = catch(|| answer.send(result)).unwrap_or(true);
            if !is_received && reports_loss {
                // The caller of this flush has stopped waiting, so the next flush reports the loss.
                self.lock().set_reported(before);
            }
        }
    }

    /// Reports the losses of a tracer that was dropped without a shutdown, which no flush can report.
    pub(crate) fn report_loss_after_drop(&self) {
        let loss = self.lock().loss_after_drop();
        if let (Some(warnings), Some(loss)) = (&self.warnings, loss) {
            catch(|| warnings.warn(&loss));
        }
    }

    /// Takes the exporter; returns `None` after the first call.
    pub(crate) fn take_exporter(&self) -> Option<Box<dyn Exporter>> {
        let mut exporter = self.exporter.lock().unwrap_or_else(PoisonError::into_inner);
        exporter.take()
    }

    /// Waits until a flush ends, at most for `limit`.
    pub(crate) fn wait_for_answer<'a>(
        &self,
        state: MutexGuard<'a, State>,
        limit: Duration,
    ) -> MutexGuard<'a, State> {
        let waited = self.answered.wait_timeout(state, limit);
        waited.unwrap_or_else(PoisonError::into_inner).0
    }

    /// Marks the export thread as started; returns whether it already was.
    pub(crate) fn mark_started(&self) -> bool {
        self.thread_started.load(Ordering::Acquire)
            || self.thread_started.swap(true, Ordering::AcqRel)
    }

    /// Marks the export thread as not started, so that the next span or flush starts it.
    pub(crate) fn mark_not_started(&self) {
        self.thread_started.store(false, Ordering::Release);
    }
}
