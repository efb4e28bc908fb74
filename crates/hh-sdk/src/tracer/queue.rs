//! What waits to be sent: bounded, the oldest spans dropped first.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::time::{Duration, Instant};

use hh_api::types::{EventPatch, StartSession};
use hh_config::Settings;
use opentelemetry_proto::tonic::trace::v1::Span as Wire;
use tokio::sync::{Notify, oneshot};

use super::export;
use crate::connect::Sender;
use crate::{Error, ErrorKind};

/// One thing to send, in order.
pub(super) enum Job {
    Start(Box<StartSession>),
    Span(Box<Wire>),
    Update(Box<EventPatch>),
}

/// The queue and the thread behind it.
pub(crate) struct Queue {
    /// None in test mode: everything is accepted and nothing kept.
    inner: Option<Arc<Inner>>,
}

pub(super) struct Inner {
    pub(super) sender: Sender,
    pub(super) batch_size: usize,
    pub(super) flush_interval: Duration,
    capacity: usize,
    state: Mutex<State>,
    /// Wakes the thread: a full batch, a flush, the end.
    pub(super) wake: Notify,
    thread_started: AtomicBool,
}

#[derive(Default)]
pub(super) struct State {
    pub(super) jobs: VecDeque<Job>,
    pub(super) closed: bool,
    /// Jobs that ever came in, and those that are dealt with.
    pushed: u64,
    done: u64,
    dropped: u64,
    /// What was lost since the last flush, and the last reason.
    lost: u64,
    reason: Option<String>,
    waiters: Vec<Waiter>,
}

struct Waiter {
    target: u64,
    deadline: Instant,
    answer: Box<dyn FnOnce(Result<(), Error>) + Send>,
}

impl Queue {
    pub(super) fn new(sender: Option<Sender>, settings: &Settings) -> Self {
        let size = |value: u64| usize::try_from(value).unwrap_or(usize::MAX);
        let inner = sender.map(|sender| {
            Arc::new(Inner {
                sender,
                batch_size: size(settings.batch_size.value),
                flush_interval: settings.flush_interval.value,
                capacity: size(settings.max_queue_size.value),
                state: Mutex::default(),
                wake: Notify::new(),
                thread_started: AtomicBool::new(false),
            })
        });
        Self { inner }
    }

    /// Adds a job; never blocks on the network.
    pub(super) fn push(&self, job: Job) {
        let Some(inner) = &self.inner else {
            return;
        };
        let mut state = inner.lock();
        state.pushed += 1;
        if state.closed {
            state.lose(1, "the tracer was shut down before");
            return;
        }
        if state.jobs.len() >= inner.capacity {
            let oldest = state
                .jobs
                .iter()
                .position(|job| matches!(job, Job::Span(_)));
            drop(state.jobs.remove(oldest.unwrap_or(0)));
            state.lose(1, "the queue was full");
        }
        state.jobs.push_back(job);
        // The first job sets the thread's timer, a full batch is due at once.
        let wakes = state.jobs.len() == 1 || state.jobs.len() >= inner.batch_size;
        drop(state);
        if !inner.thread_started.swap(true, Ordering::AcqRel) {
            export::start(inner);
        }
        if wakes {
            inner.wake.notify_one();
        }
    }

    pub(crate) fn dropped(&self) -> u64 {
        self.inner.as_ref().map_or(0, |inner| inner.lock().dropped)
    }

    /// Takes no more jobs; the thread ends once it has sent what waits.
    pub(super) fn close(&self) {
        if let Some(inner) = &self.inner {
            inner.lock().closed = true;
            inner.wake.notify_one();
        }
    }

    pub(super) async fn flush(&self, timeout: Duration) -> Result<(), Error> {
        let (sender, receiver) = oneshot::channel();
        self.wait(timeout, Box::new(move |result| drop(sender.send(result))));
        receiver.await.unwrap_or_else(|_| Err(stopped()))
    }

    pub(super) fn flush_blocking(&self, timeout: Duration) -> Result<(), Error> {
        let (sender, receiver) = mpsc::channel();
        self.wait(timeout, Box::new(move |result| drop(sender.send(result))));
        receiver.recv().unwrap_or_else(|_| Err(stopped()))
    }

    /// Has `answer` called when all that is queued now is dealt with, or when the time is over.
    ///
    /// The export thread keeps the time, so that the caller's runtime needs no timer.
    fn wait(&self, timeout: Duration, answer: Box<dyn FnOnce(Result<(), Error>) + Send>) {
        let Some(inner) = &self.inner else {
            return answer(Ok(()));
        };
        let mut state = inner.lock();
        if state.done == state.pushed {
            let outcome = state.take_outcome();
            drop(state);
            return answer(outcome);
        }
        let target = state.pushed;
        state.waiters.push(Waiter {
            target,
            deadline: Instant::now() + timeout,
            answer,
        });
        drop(state);
        inner.wake.notify_one();
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

impl State {
    /// Counts jobs that will never arrive.
    pub(super) fn lose(&mut self, count: u64, reason: &str) {
        self.done += count;
        self.dropped += count;
        self.lost += count;
        self.reason = Some(reason.to_owned());
        self.answer_waiters();
    }

    /// Counts jobs that are at the server.
    pub(super) fn arrive(&mut self, count: u64) {
        self.done += count;
        self.answer_waiters();
    }

    pub(super) fn is_awaited(&self) -> bool {
        !self.waiters.is_empty()
    }

    /// Answers the waiters whose time is over, and returns when the next one's is.
    pub(super) fn expire(&mut self, now: Instant) -> Option<Instant> {
        let (over, rest) = std::mem::take(&mut self.waiters)
            .into_iter()
            .partition(|waiter| waiter.deadline <= now);
        self.waiters = rest;
        for waiter in over {
            (waiter.answer)(Err(Error::new(
                ErrorKind::Timeout,
                "telemetry did not arrive in time; it is still being sent",
            )));
        }
        self.waiters.iter().map(|waiter| waiter.deadline).min()
    }

    fn answer_waiters(&mut self) {
        let done = self.done;
        let (ready, rest): (Vec<_>, Vec<_>) = std::mem::take(&mut self.waiters)
            .into_iter()
            .partition(|waiter| waiter.target <= done);
        self.waiters = rest;
        for waiter in ready {
            let outcome = self.take_outcome();
            (waiter.answer)(outcome);
        }
    }

    fn take_outcome(&mut self) -> Result<(), Error> {
        let reason = self.reason.take();
        match std::mem::take(&mut self.lost) {
            0 => Ok(()),
            lost => Err(Error::new(
                ErrorKind::Dropped,
                format!(
                    "{lost} of the recorded sessions and spans were lost: {}",
                    reason.as_deref().unwrap_or("unknown reason")
                ),
            )),
        }
    }
}
