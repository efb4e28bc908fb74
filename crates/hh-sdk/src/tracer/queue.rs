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
use super::memory::InMemoryExporter;
use super::redact::Own;
use crate::connect::Sender;
use crate::{Error, ErrorKind};

/// Longer waits are cut to this, so that no sum of times overflows: a year.
const LONGEST_WAIT: Duration = Duration::from_hours(24 * 365);

/// One thing to send, in order.
pub(super) enum Job {
    Start(Box<StartSession>),
    Span(Box<Wire>),
    Update(Box<EventPatch>),
}

/// What was lost, and why.
pub(super) struct Loss {
    count: u64,
    reason: String,
}

impl Loss {
    pub(super) fn new(count: u64, reason: String) -> Self {
        Self { count, reason }
    }
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
    pub(super) flush_interval: Duration,
    capacity: usize,
    state: Mutex<State>,
    /// Wakes the thread: a first job, a full batch, a flush, the end.
    pub(super) wake: Notify,
    /// Has the deadlines of flushes looked at again, also while a request is under way.
    pub(super) flushed: Notify,
    thread_started: AtomicBool,
}

#[derive(Default)]
pub(super) struct State {
    /// What waits, each with its number, in order.
    jobs: VecDeque<(u64, Job)>,
    /// The number of the first job that is being sent right now.
    sending: Option<u64>,
    closed: bool,
    /// The number of the next job.
    next: u64,
    dropped: u64,
    /// How many of the dropped somebody was told of.
    told: u64,
    /// The last reason.
    reason: String,
    waiters: Vec<Waiter>,
}

struct Waiter {
    /// All jobs below this number must be dealt with.
    target: u64,
    deadline: Instant,
    answer: Answer,
}

/// Takes the outcome, and tells whether anybody was there to hear it.
type Answer = Box<dyn FnOnce(Result<(), Error>) -> bool + Send>;

/// Answers that are due. They wake other threads, so they are given with the lock released.
#[must_use = "call give() with the lock released"]
pub(super) struct Due {
    answers: Vec<(Answer, Result<(), Error>)>,
    /// How many jobs were dropped in all when these answers were made.
    dropped: u64,
}

impl Due {
    pub(super) fn give(self, inner: &Inner) {
        for (answer, result) in self.answers {
            let tells = result
                .as_ref()
                .is_err_and(|error| error.kind() == ErrorKind::Dropped);
            // Marked before it is told: whoever hears it may flush again at once.
            let before = inner.lock().told;
            if tells {
                inner.lock().told = before.max(self.dropped);
            }
            if !answer(result) && tells {
                // A flush that was given up has told nobody: the next one will.
                inner.lock().told = before;
            }
        }
    }
}

impl Queue {
    pub(super) fn new(
        sender: Option<Sender>,
        settings: &Settings,
        memory: Option<(InMemoryExporter, Own)>,
    ) -> Self {
        let size = |value: u64| usize::try_from(value).unwrap_or(usize::MAX);
        let inner = sender.map(|sender| {
            Arc::new(Inner {
                sender,
                batch_size: size(settings.batch_size.value),
                flush_interval: settings.flush_interval.value,
                capacity: size(settings.max_queue_size.value),
                state: Mutex::default(),
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
        let mut state = inner.lock();
        if state.closed {
            state.lose(1, "the tracer was shut down before");
            return;
        }
        if state.jobs.len() >= inner.capacity {
            let mut jobs = state.jobs.iter();
            let oldest = jobs.position(|(_, job)| matches!(job, Job::Span(_)));
            drop(state.jobs.remove(oldest.unwrap_or(0)));
            state.lose(1, "the queue was full");
        }
        let number = state.next;
        state.next += 1;
        state.jobs.push_back((number, job));
        // The first job sets the thread's timer, a full batch is due at once.
        let wakes = state.jobs.len() == 1 || state.jobs.len() >= inner.batch_size;
        // What was dropped may have been the last that somebody waits for.
        let due = state.settle();
        drop(state);
        due.give(inner);
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
        self.wait(timeout, Box::new(move |result| sender.send(result).is_ok()));
        receiver.await.unwrap_or_else(|_| Err(stopped()))
    }

    pub(super) fn flush_blocking(&self, timeout: Duration) -> Result<(), Error> {
        let (sender, receiver) = mpsc::channel();
        self.wait(timeout, Box::new(move |result| sender.send(result).is_ok()));
        receiver.recv().unwrap_or_else(|_| Err(stopped()))
    }

    /// Has `answer` called when all that is queued now is dealt with, or when the time is over.
    ///
    /// The export thread keeps the time, so that the caller's runtime needs no timer.
    fn wait(&self, timeout: Duration, answer: Answer) {
        let Some(inner) = &self.inner else {
            answer(Ok(()));
            return;
        };
        let mut state = inner.lock();
        let target = state.next;
        state.waiters.push(Waiter {
            target,
            deadline: Instant::now() + timeout.min(LONGEST_WAIT),
            answer,
        });
        let due = state.settle();
        drop(state);
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

impl State {
    /// How many jobs wait.
    pub(super) fn len(&self) -> usize {
        self.jobs.len()
    }

    /// Whether there will be no more jobs.
    pub(super) fn is_closed(&self) -> bool {
        self.closed
    }

    /// Whether somebody waits for what is queued.
    pub(super) fn is_awaited(&self) -> bool {
        !self.waiters.is_empty()
    }

    /// Takes the first job, if `fits` says that it goes with what was taken before.
    pub(super) fn take(&mut self, fits: impl FnOnce(&Job) -> bool) -> Option<Job> {
        let (number, job) = self.jobs.pop_front()?;
        if !fits(&job) {
            self.jobs.push_front((number, job));
            return None;
        }
        self.sending.get_or_insert(number);
        Some(job)
    }

    /// Says that what was taken is dealt with, and what of it was lost.
    pub(super) fn finish(&mut self, loss: Option<Loss>) -> Due {
        self.sending = None;
        if let Some(Loss { count, reason }) = loss {
            self.lose(count, &reason);
        }
        self.settle()
    }

    /// The key was rejected: tells all who wait, and if the end is near gives up on what is left.
    pub(super) fn reject(&mut self, why: &str) -> Due {
        if self.closed && !self.jobs.is_empty() {
            return self.abandon(why);
        }
        let waiters = std::mem::take(&mut self.waiters);
        let answers = waiters.into_iter().map(|waiter| {
            let message = format!("{why}; what is not sent yet is tried again in a minute");
            (
                waiter.answer,
                Err(Error::new(ErrorKind::Unauthenticated, message)),
            )
        });
        Due {
            answers: answers.collect(),
            dropped: self.dropped,
        }
    }

    /// Gives up on everything; nothing will be sent any more.
    pub(super) fn abandon(&mut self, reason: &str) -> Due {
        self.closed = true;
        self.sending = None;
        let count = self.jobs.drain(..).count() as u64;
        self.lose(count.max(1), reason);
        self.settle()
    }

    /// Finds the waiters whose time is over, and when the next one's is.
    pub(super) fn expire(&mut self, now: Instant) -> (Due, Option<Instant>) {
        let over = self.waiters.extract_if(.., |waiter| waiter.deadline <= now);
        let due = over.map(|waiter| {
            let message = "telemetry did not arrive in time; it is still being sent";
            (waiter.answer, Err(Error::new(ErrorKind::Timeout, message)))
        });
        let due = Due {
            answers: due.collect(),
            dropped: self.dropped,
        };
        (due, self.waiters.iter().map(|waiter| waiter.deadline).min())
    }

    fn lose(&mut self, count: u64, reason: &str) {
        self.dropped += count;
        reason.clone_into(&mut self.reason);
    }

    /// Finds the waiters for whom all is dealt with; each is told what nobody was told yet.
    fn settle(&mut self) -> Due {
        let first_waiting = self.jobs.front().map_or(self.next, |(number, _)| *number);
        let oldest = self.sending.unwrap_or(first_waiting);
        let ready: Vec<_> = self
            .waiters
            .extract_if(.., |waiter| waiter.target <= oldest)
            .collect();
        let answers = ready
            .into_iter()
            .map(|waiter| (waiter.answer, self.outcome()));
        Due {
            answers: answers.collect(),
            dropped: self.dropped,
        }
    }

    fn outcome(&self) -> Result<(), Error> {
        match self.dropped - self.told {
            0 => Ok(()),
            lost => Err(Error::new(
                ErrorKind::Dropped,
                format!(
                    "{lost} of the recorded sessions and spans were lost: {}",
                    self.reason
                ),
            )),
        }
    }
}
