//! What waits to be exported: bounded, the oldest spans dropped first.

mod inner;

use std::slice;
use std::sync::mpsc::RecvTimeoutError;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::task::{Context, Waker};
use std::time::{Duration, Instant};

use hh_config::Settings;
use tokio::sync::oneshot;

use super::block::Block;
use super::exporter::{Delivery, Exporter};
use super::state::{Answer, Closing, Item, no_response};
use super::watchdog::GRACE;
use super::{export, watchdog};
use crate::{Error, ErrorKind};
pub(super) use inner::Inner;
#[cfg(test)]
pub(super) use inner::Task;

/// Longer waits are cut to this, so that no sum of times overflows: a year.
const LONGEST_WAIT: Duration = Duration::from_hours(24 * 365);

/// A tracer that is dropped without a shutdown tries again for this long.
const LAST_TRIES: Duration = Duration::from_mins(1);

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
        spawn: impl Fn(&str, Task) -> std::io::Result<()> + Send + Sync + 'static,
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
        let due = state.complete_flushes();
        drop(state);
        drop(dropped);
        inner.deliver(due);
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
            Err(RecvTimeoutError::Timeout) => Err(no_response()),
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
        inner.deliver(due);
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
