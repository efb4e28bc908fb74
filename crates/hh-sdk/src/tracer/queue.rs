//! What waits to be exported: bounded, the oldest spans dropped first.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::RecvTimeoutError;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc};
use std::task::{Context, Waker};
use std::time::{Duration, Instant};
use std::{io, slice};

use hh_config::Settings;
use tokio::sync::{Notify, oneshot};

use super::block::Block;
use super::exporter::{Delivery, Exporter};
use super::state::{Answer, Closing, Item, Limits, State};
use super::{export, watchdog};
use crate::{Error, ErrorKind};

/// Longer waits are cut to this, so that no sum of times overflows: a year.
const LONGEST_WAIT: Duration = Duration::from_hours(24 * 365);

/// A tracer that is dropped without a shutdown tries again for this long.
const LAST_TRIES: Duration = Duration::from_mins(1);

/// The export thread keeps the time of a flush; a blocked one must not hold the caller for longer than this.
pub(super) const GRACE: Duration = Duration::from_secs(1);

/// The encoded bytes of the spans of one export: well below what servers take.
const MAX_BATCH_BYTES: usize = 4 * 1024 * 1024;

/// The queue and the thread behind it.
pub(crate) struct Queue {
    route: Route,
}

/// How telemetry gets to the exporter.
enum Route {
    Background(Arc<Inner>),
    Immediate(Mutex<Box<dyn Exporter>>),
    Never,
}

/// What a thread runs.
pub(super) type Task = Box<dyn FnOnce() + Send>;

/// Starts a thread with a name.
type Spawn = Box<dyn Fn(&str, Task) -> io::Result<()> + Send + Sync>;

pub(super) struct Inner {
    /// Taken by the export thread when it starts.
    exporter: Mutex<Option<Box<dyn Exporter>>>,
    pub(super) batch_size: usize,
    pub(super) max_batch_bytes: usize,
    pub(super) flush_interval: Duration,
    pub(super) retry_delay: Duration,
    state: Mutex<State>,
    /// Wakes the thread: a first span, a full batch, a flush, the end.
    pub(super) wake: Notify,
    /// Has the deadlines of flushes looked at again, also while a request is under way.
    pub(super) flushed: Notify,
    /// Wakes the watchdog when a flush has ended.
    pub(super) answered: Condvar,
    pub(super) thread_started: AtomicBool,
    pub(super) spawn: Spawn,
}

impl Queue {
    pub(super) fn new(exporter: Box<dyn Exporter>, settings: &Settings) -> Self {
        let route = match exporter.delivery() {
            Delivery::Background => Route::Background(Arc::new(Inner::new(exporter, settings))),
            Delivery::Immediate => Route::Immediate(Mutex::new(exporter)),
            Delivery::Never => Route::Never,
        };
        Self { route }
    }

    /// Starts threads in another way.
    #[cfg(test)]
    pub(super) fn with_spawn(
        mut self,
        spawn: impl Fn(&str, Task) -> io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        if let Route::Background(inner) = &mut self.route {
            Arc::get_mut(inner).unwrap().spawn = Box::new(spawn);
        }
        self
    }

    /// Returns whether anything receives what is recorded.
    pub(super) fn is_recording(&self) -> bool {
        !matches!(self.route, Route::Never)
    }

    /// Adds what was recorded; never blocks on the network.
    pub(super) fn push(&self, item: Item<'_>) {
        let inner = match &self.route {
            Route::Background(inner) => inner,
            Route::Immediate(exporter) => {
                deliver(exporter, item);
                return;
            }
            Route::Never => return,
        };
        let mut state = inner.lock();
        let before = state.len();
        let dropped = state.push(item);
        // The first span sets the thread's timer, a full batch is due at once.
        let is_full = before < inner.batch_size && state.len() >= inner.batch_size;
        let wakes = before == 0 || is_full;
        // What was dropped may have been the last that a flush waits for.
        let due = state.settle();
        drop(state);
        drop(dropped);
        due.give(inner);
        // If the thread cannot be started, the next span or flush tries again.
        export::ensure_started(inner);
        if wakes {
            inner.wake.notify_one();
        }
    }

    pub(crate) fn dropped(&self) -> u64 {
        self.inner().map_or(0, |inner| inner.lock().dropped())
    }

    /// Takes no more spans; the thread ends once it has sent what waits. What has not arrived within `timeout` is
    /// dropped; without one, what fails after a while is.
    pub(super) fn close(&self, timeout: Option<Duration>) {
        if let Some(inner) = self.inner() {
            inner.lock().close(Closing {
                until: Instant::now() + timeout.unwrap_or(LAST_TRIES).min(LONGEST_WAIT),
                is_hard: timeout.is_some(),
            });
            inner.wake.notify_one();
            inner.flushed.notify_one();
        }
    }

    pub(super) async fn flush(&self, timeout: Duration) -> Result<(), Error> {
        let (sender, mut receiver) = oneshot::channel();
        self.wait(timeout, Box::new(move |result| sender.send(result).is_ok()));
        if let Some(inner) = self.inner()
            && receiver.is_empty()
        {
            watchdog::ensure_started(inner);
        }
        (&mut receiver).await.unwrap_or_else(|_| Err(stopped()))
    }

    pub(super) fn flush_blocking(&self, timeout: Duration) -> Result<(), Error> {
        let (sender, receiver) = mpsc::channel();
        self.wait(timeout, Box::new(move |result| sender.send(result).is_ok()));
        match receiver.recv_timeout(timeout.min(LONGEST_WAIT) + GRACE) {
            Ok(result) => result,
            Err(RecvTimeoutError::Timeout) => Err(watchdog::no_response()),
            Err(RecvTimeoutError::Disconnected) => Err(stopped()),
        }
    }

    /// Has `answer` called when all that is queued now is dealt with, or when the time is over.
    ///
    /// The export thread keeps the time, so that the caller's runtime needs no timer.
    fn wait(&self, timeout: Duration, answer: Answer) {
        let Some(inner) = self.inner() else {
            answer(Ok(()));
            return;
        };
        let deadline = Instant::now() + timeout.min(LONGEST_WAIT);
        let mut state = inner.lock();
        let due = state.wait(deadline, answer);
        let is_busy = state.is_busy();
        drop(state);
        due.give(inner);
        if is_busy && !export::ensure_started(inner) {
            export::fail_to_start(inner);
        }
        inner.wake.notify_one();
        inner.flushed.notify_one();
    }

    fn inner(&self) -> Option<&Arc<Inner>> {
        match &self.route {
            Route::Background(inner) => Some(inner),
            Route::Immediate(_) | Route::Never => None,
        }
    }
}

/// Exports at once, to an exporter that never waits.
fn deliver(exporter: &Mutex<Box<dyn Exporter>>, item: Item<'_>) {
    let block = match item {
        Item::Span(span, ended) => Block::of_span(span, ended),
        Item::Session(block) => block,
    };
    let mut exporter = exporter.lock().unwrap_or_else(PoisonError::into_inner);
    let mut export = exporter.export(slice::from_ref(&block));
    let mut context = Context::from_waker(Waker::noop());
    drop(export.as_mut().poll(&mut context));
}

fn stopped() -> Error {
    Error::new(ErrorKind::Other, "the tracer's thread has stopped")
}

impl Inner {
    fn new(exporter: Box<dyn Exporter>, settings: &Settings) -> Self {
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

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the exporter, once.
    pub(super) fn take_exporter(&self) -> Option<Box<dyn Exporter>> {
        let mut exporter = self.exporter.lock().unwrap_or_else(PoisonError::into_inner);
        exporter.take()
    }

    /// Waits until a flush has ended, or so long.
    pub(super) fn wait_for_answer<'a>(
        &self,
        state: MutexGuard<'a, State>,
        limit: Duration,
    ) -> MutexGuard<'a, State> {
        let waited = self.answered.wait_timeout(state, limit);
        waited.unwrap_or_else(PoisonError::into_inner).0
    }

    /// Marks the export thread as started; returns whether it was before.
    pub(super) fn mark_started(&self) -> bool {
        self.thread_started.load(Ordering::Acquire)
            || self.thread_started.swap(true, Ordering::AcqRel)
    }

    /// Has the next span or flush start the export thread again.
    pub(super) fn mark_not_started(&self) {
        self.thread_started.store(false, Ordering::Release);
    }
}
