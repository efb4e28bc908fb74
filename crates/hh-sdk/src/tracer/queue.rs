//! What waits to be sent: bounded, the oldest spans dropped first.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::RecvTimeoutError;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::time::{Duration, Instant};

use hh_api::types::{EventPatch, StartSession};
use hh_config::Settings;
use opentelemetry_proto::tonic::trace::v1::Span as Wire;
use tokio::sync::{Notify, oneshot};

use super::budget::memory_of;
use super::export;
use super::memory::InMemoryExporter;
use super::redact::Own;
use super::state::{Answer, Closing, State};
use crate::resolve::Sender;
use crate::{Error, ErrorKind};

/// Longer waits are cut to this, so that no sum of times overflows: a year.
const LONGEST_WAIT: Duration = Duration::from_hours(24 * 365);

/// A tracer that is dropped without a shutdown tries again for this long.
const LAST_TRIES: Duration = Duration::from_mins(1);

/// The export thread keeps the time of a flush; a blocked one must not hold the caller for longer than this.
const GRACE: Duration = Duration::from_secs(1);

/// The memory of the spans of one export, and so its encoded bytes: well below what servers take.
const MAX_BATCH_BYTES: usize = 4 * 1024 * 1024;

/// One thing to send, in order.
pub(super) enum Job {
    Start(Box<StartSession>),
    Span(Box<Wire>),
    Update(Box<EventPatch>),
}

/// The queue and the thread behind it.
pub(crate) struct Queue {
    /// None in test mode: everything is accepted.
    inner: Option<Arc<Inner>>,
    /// What keeps everything in place of sending it.
    memory: Option<(InMemoryExporter, Own)>,
}

pub(super) struct Inner {
    pub(super) sender: Sender,
    pub(super) batch_size: usize,
    pub(super) max_batch_bytes: usize,
    pub(super) flush_interval: Duration,
    pub(super) retry_delay: Duration,
    state: Mutex<State>,
    /// Wakes the thread: a first job, a full batch, a flush, the end.
    pub(super) wake: Notify,
    /// Has the deadlines of flushes looked at again, also while a request is under way.
    pub(super) flushed: Notify,
    thread_started: AtomicBool,
}

impl Queue {
    pub(super) fn new(
        sender: Option<Sender>,
        settings: &Settings,
        memory: Option<(InMemoryExporter, Own)>,
    ) -> Self {
        let size = |value: u64| usize::try_from(value).unwrap_or(usize::MAX);
        let inner = sender.map(|sender| {
            let max_bytes = size(settings.max_queue_bytes.value);
            let state = State::new(size(settings.max_queue_size.value), max_bytes);
            Arc::new(Inner {
                sender,
                batch_size: size(settings.batch_size.value),
                // What is being sent leaves room for what comes meanwhile.
                max_batch_bytes: MAX_BATCH_BYTES.min(max_bytes / 4),
                flush_interval: settings.flush_interval.value,
                retry_delay: settings.retry_delay.value,
                state: Mutex::new(state),
                wake: Notify::new(),
                flushed: Notify::new(),
                thread_started: AtomicBool::new(false),
            })
        });
        Self { inner, memory }
    }

    /// Adds a job; never blocks on the network.
    pub(super) fn push(&self, job: Job) {
        let Some(inner) = &self.inner else {
            if let Some((memory, own)) = &self.memory {
                memory.keep(job, own);
            }
            return;
        };
        let bytes = memory_of(&job);
        let mut state = inner.lock();
        let dropped = state.push(job, bytes);
        // The first job sets the thread's timer, a full batch is due at once.
        let wakes = state.len() == 1 || state.len() >= inner.batch_size;
        // What was dropped may have been the last that a flush waits for.
        let due = state.settle();
        drop(state);
        drop(dropped);
        due.give(inner);
        if !inner.thread_started.swap(true, Ordering::AcqRel) {
            export::start(inner);
        }
        if wakes {
            inner.wake.notify_one();
        }
    }

    pub(crate) fn dropped(&self) -> u64 {
        self.inner
            .as_ref()
            .map_or(0, |inner| inner.lock().dropped())
    }

    /// Takes no more jobs; the thread ends once it has sent what waits. What has not arrived within `timeout` is
    /// dropped; without one, what fails after a while is.
    pub(super) fn close(&self, timeout: Option<Duration>) {
        if let Some(inner) = &self.inner {
            inner.lock().close(Closing {
                until: Instant::now() + timeout.unwrap_or(LAST_TRIES).min(LONGEST_WAIT),
                is_hard: timeout.is_some(),
            });
            inner.wake.notify_one();
            inner.flushed.notify_one();
        }
    }

    pub(super) async fn flush(&self, timeout: Duration) -> Result<(), Error> {
        let (sender, receiver) = oneshot::channel();
        self.wait(timeout, Box::new(move |result| sender.send(result).is_ok()));
        receiver.await.unwrap_or_else(|_| Err(stopped()))
    }

    pub(super) fn flush_blocking(&self, timeout: Duration) -> Result<(), Error> {
        let (sender, receiver) = mpsc::channel();
        self.wait(timeout, Box::new(move |result| sender.send(result).is_ok()));
        match receiver.recv_timeout(timeout.min(LONGEST_WAIT) + GRACE) {
            Ok(result) => result,
            Err(RecvTimeoutError::Timeout) => Err(Error::new(
                ErrorKind::Timeout,
                "telemetry did not arrive in time: the export thread does not respond; check that standard error or the reporter does not block",
            )),
            Err(RecvTimeoutError::Disconnected) => Err(stopped()),
        }
    }

    /// Has `answer` called when all that is queued now is dealt with, or when the time is over.
    ///
    /// The export thread keeps the time, so that the caller's runtime needs no timer.
    fn wait(&self, timeout: Duration, answer: Answer) {
        let Some(inner) = &self.inner else {
            answer(Ok(()));
            return;
        };
        let deadline = Instant::now() + timeout.min(LONGEST_WAIT);
        let due = inner.lock().wait(deadline, answer);
        due.give(inner);
        inner.wake.notify_one();
        inner.flushed.notify_one();
    }
}

fn stopped() -> Error {
    Error::new(ErrorKind::Other, "the tracer's thread has stopped")
}

impl Inner {
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
