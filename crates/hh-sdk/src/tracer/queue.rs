//! The queue of the tracer, with limits; it drops the oldest spans first.

mod inner;

use std::slice;
use std::sync::mpsc::RecvTimeoutError;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::task::{Context, Waker};
use std::time::{Duration, Instant};

use hh_config::Settings;
use hh_text::Diagnostic;
use tokio::sync::oneshot;

use super::block::Block;
use super::exporter::{Delivery, Exporter};
use super::state::{Answer, Closing, Item, no_response};
use super::watchdog::GRACE;
use super::{export, watchdog};
use crate::catch::catch;
use crate::report::Reporter;
use crate::{Error, ErrorKind};
pub(super) use inner::Inner;
#[cfg(test)]
pub(super) use inner::Task;

/// The limit of timeouts, one year, so that sums of times do not overflow.
const LONGEST_WAIT: Duration = Duration::from_hours(24 * 365);

/// How long a tracer that is dropped without a shutdown continues to retry.
const LAST_TRIES: Duration = Duration::from_mins(1);

/// The queue and its export thread.
pub(crate) struct Queue {
    route: Route,
    /// The receiver of warnings, if the log level includes them.
    warnings: Option<Reporter>,
}

/// The path of telemetry to the exporter.
enum Route {
    /// Telemetry waits in the queue, and the export thread exports it.
    Background(Arc<Inner>),
    /// The thread that records the telemetry exports it immediately.
    Immediate(Mutex<Box<dyn Exporter>>),
    /// Nothing is recorded.
    Never,
}

impl Queue {
    /// Creates the queue of an exporter.
    pub(super) fn new(
        exporter: Box<dyn Exporter>,
        settings: &Settings,
        reporter: Reporter,
    ) -> Self {
        let warnings = reporter.for_warnings(settings);
        let route = match exporter.delivery() {
            Delivery::Background => {
                let inner = Inner::new(exporter, settings, warnings.clone());
                Route::Background(Arc::new(inner))
            }
            Delivery::Immediate => Route::Immediate(Mutex::new(exporter)),
            Delivery::Never => Route::Never,
        };
        Self { route, warnings }
    }

    /// Replaces the function that starts threads.
    #[cfg(test)]
    pub(super) fn with_spawn(
        mut self,
        spawn: impl Fn(&str, Task) -> std::io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        if let Route::Background(inner) = &mut self.route {
            Arc::get_mut(inner).unwrap().spawn = Box::new(spawn);
        }
        self
    }

    /// Returns whether the exporter receives telemetry.
    pub(super) fn is_recording(&self) -> bool {
        !matches!(self.route, Route::Never)
    }

    /// Adds an item; never waits for the network.
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
        // The first span starts the timer of the thread; a full batch is sent immediately.
        let is_full = before < inner.batch_size && state.len() >= inner.batch_size;
        let wakes = before == 0 || is_full;
        // A flush may have waited for a dropped item.
        let due = state.complete_flushes();
        drop(state);
        drop(dropped);
        inner.deliver(due);
        // If the thread cannot be started, the next span or flush retries.
        export::ensure_started(inner);
        if wakes {
            inner.wake.notify_one();
        }
    }

    /// Returns the number of lost spans and session changes.
    pub(crate) fn dropped(&self) -> u64 {
        self.inner().map_or(0, |inner| inner.lock().dropped())
    }

    /// Reports a warning, if the log level includes warnings.
    pub(super) fn warn(&self, warning: &Diagnostic) {
        if let Some(warnings) = &self.warnings {
            // A subscriber is code of the program that may panic, and this may run in a destructor.
            catch(|| warnings.warn(&warning.to_line()));
        }
    }

    /// Returns the number of spans and session changes that have not arrived, and their size in bytes.
    pub(super) fn unsent(&self) -> (usize, usize) {
        self.inner().map_or((0, 0), |inner| {
            let state = inner.lock();
            (state.unsent(), state.unsent_bytes())
        })
    }

    /// Closes the queue; the thread sends the waiting blocks and exits.
    ///
    /// After `timeout`, blocks that have not arrived are dropped. Without one, retries end after [`LAST_TRIES`].
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

    /// Waits until everything in the queue is sent or `timeout` passes.
    pub(super) async fn flush(&self, timeout: Duration) -> Result<(), Error> {
        self.wait_for(timeout, false).await
    }

    /// Does the same as [`Queue::flush`], and blocks the thread.
    pub(super) fn flush_blocking(&self, timeout: Duration) -> Result<(), Error> {
        self.wait_for_blocking(timeout, false)
    }

    /// Waits like [`Queue::flush`] for the end of a closed queue, and returns the result that the first call had.
    pub(super) async fn finish(&self, timeout: Duration) -> Result<(), Error> {
        self.wait_for(timeout, true).await
    }

    /// Does the same as [`Queue::finish`], and blocks the thread.
    pub(super) fn finish_blocking(&self, timeout: Duration) -> Result<(), Error> {
        self.wait_for_blocking(timeout, true)
    }

    /// Waits for a flush or a shutdown.
    async fn wait_for(&self, timeout: Duration, is_shutdown: bool) -> Result<(), Error> {
        let (sender, mut receiver) = oneshot::channel();
        self.wait(timeout, is_shutdown, Answer::Future(sender));
        if let Some(inner) = self.inner()
            && receiver.is_empty()
        {
            watchdog::ensure_started(inner);
        }
        (&mut receiver).await.unwrap_or_else(|_| Err(stopped()))
    }

    /// Waits for a flush or a shutdown, and blocks the thread.
    fn wait_for_blocking(&self, timeout: Duration, is_shutdown: bool) -> Result<(), Error> {
        let (sender, receiver) = mpsc::channel();
        self.wait(timeout, is_shutdown, Answer::Thread(sender));
        match receiver.recv_timeout(timeout.min(LONGEST_WAIT) + GRACE) {
            Ok(result) => result,
            Err(RecvTimeoutError::Timeout) => Err(no_response()),
            Err(RecvTimeoutError::Disconnected) => Err(stopped()),
        }
    }

    /// Registers `answer`, which gets the result when everything in the queue is sent or lost, or when `timeout` passes.
    ///
    /// The export thread has the timer, so the runtime of the caller does not need one.
    fn wait(&self, timeout: Duration, is_shutdown: bool, answer: Answer) {
        let Some(inner) = self.inner() else {
            answer.send(Ok(()));
            return;
        };
        let deadline = Instant::now() + timeout.min(LONGEST_WAIT);
        let mut state = inner.lock();
        let due = state.wait(deadline, is_shutdown, answer);
        let is_busy = state.is_busy();
        drop(state);
        inner.deliver(due);
        if is_busy && !export::ensure_started(inner) {
            export::fail_to_start(inner);
        }
        inner.wake.notify_one();
        inner.flushed.notify_one();
    }

    /// Returns the state that the queue shares with its threads, if it has an export thread.
    fn inner(&self) -> Option<&Arc<Inner>> {
        match &self.route {
            Route::Background(inner) => Some(inner),
            Route::Immediate(_) | Route::Never => None,
        }
    }
}

/// Exports an item immediately, to an exporter that never waits.
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

/// Returns the error of a flush that lost its export thread.
fn stopped() -> Error {
    Error::new(ErrorKind::Other, "the export thread has stopped")
}
