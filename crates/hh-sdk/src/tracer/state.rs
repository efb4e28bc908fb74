//! The state of the queue: what waits or is being sent, what was lost, and who waits for it.

use std::collections::VecDeque;
use std::time::Instant;

use super::budget::ByteBudget;
use super::pace::Pause;
use super::queue::{Inner, Job};
use crate::catch::catch;
use crate::{Error, ErrorKind};

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

/// A job of the queue.
pub(super) struct Entry {
    pub(super) number: u64,
    /// The memory that it uses.
    bytes: usize,
    pub(super) job: Job,
}

impl Entry {
    fn is_span(&self) -> bool {
        matches!(self.job, Job::Span(_))
    }
}

pub(super) struct State {
    /// What waits, in order.
    entries: VecDeque<Entry>,
    /// How many may wait.
    capacity: usize,
    /// The bytes of what waits and of what is being sent right now.
    budget: ByteBudget,
    sending: Option<Sending>,
    closing: Option<Closing>,
    /// A flush or the end has come since something was last sent.
    is_asked: bool,
    /// The number of the next job.
    next: u64,
    dropped: u64,
    /// How many of the dropped jobs were reported to a flush.
    told: u64,
    /// The last reason for a loss.
    reason: String,
    /// Why what waits has not arrived yet.
    failure: Option<String>,
    waiters: Vec<Waiter>,
}

/// What is being sent right now.
struct Sending {
    /// The number of the first job.
    first: u64,
    count: usize,
    bytes: usize,
}

/// The tracer was closed.
#[derive(Clone, Copy)]
pub(super) struct Closing {
    /// Nothing is tried again after this.
    pub(super) until: Instant,
    /// A request under way is cut off as well.
    pub(super) is_hard: bool,
}

pub(super) struct Waiter {
    /// All jobs below this number must be dealt with.
    target: u64,
    deadline: Instant,
    answer: Answer,
}

/// Receives the outcome and returns whether a caller was still waiting for it.
pub(super) type Answer = Box<dyn FnOnce(Result<(), Error>) -> bool + Send>;

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
            // Marked before it is told: whoever receives it may flush again at once.
            let before = inner.lock().told;
            if tells {
                inner.lock().told = before.max(self.dropped);
            }
            // It wakes a task, whose waker is other people's code and may panic once it has the outcome.
            let is_received = catch(|| answer(result)).unwrap_or(true);
            if !is_received && tells {
                // The caller of this flush is gone, so the next flush reports the loss.
                inner.lock().told = before;
            }
        }
    }
}

/// What the export thread does next.
pub(super) enum Next {
    Send,
    /// Wait, at most until then.
    Wait(Option<Instant>),
    /// The time to try again is over.
    GiveUp,
    /// Everything is dealt with, and no more will come.
    End,
}

/// When flushes have to be looked at again.
pub(super) enum Watch {
    At(Option<Instant>),
    /// The time to send anything is over.
    Over,
}

impl State {
    pub(super) fn new(capacity: usize, max_bytes: usize) -> Self {
        Self {
            entries: VecDeque::new(),
            capacity,
            budget: ByteBudget::new(max_bytes),
            sending: None,
            closing: None,
            is_asked: false,
            next: 0,
            dropped: 0,
            told: 0,
            reason: String::new(),
            failure: None,
            waiters: Vec::new(),
        }
    }

    /// Returns how many jobs wait.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Adds a job that uses so much memory; returns what had to be dropped for it, to be freed with the lock released.
    pub(super) fn push(&mut self, job: Job, bytes: usize) -> Vec<Entry> {
        let entry = Entry {
            number: self.next,
            bytes,
            job,
        };
        let mut dropped = Vec::new();
        let refused = if self.closing.is_some() {
            Some("the tracer was shut down before")
        } else if bytes > self.budget.limit() {
            Some("it is larger than the queue may be (max_queue_bytes)")
        } else if bytes > self.budget.limit().saturating_sub(self.sending_bytes()) {
            // All that waits would be dropped for nothing.
            Some("the queue was full (max_queue_bytes)")
        } else {
            self.make_room(&entry, &mut dropped)
        };
        if let Some(reason) = refused {
            self.lose(1, reason);
            dropped.push(entry);
        } else {
            self.next = self.next.saturating_add(1);
            self.budget.take(bytes);
            self.entries.push_back(entry);
        }
        dropped
    }

    fn sending_bytes(&self) -> usize {
        self.sending.as_ref().map_or(0, |sending| sending.bytes)
    }

    /// Drops the oldest spans until there is room for a job; the reason why there cannot be any.
    fn make_room(&mut self, entry: &Entry, dropped: &mut Vec<Entry>) -> Option<&'static str> {
        loop {
            let reason = if self.entries.len() >= self.capacity {
                "the queue was full"
            } else if !self.budget.has_room_for(entry.bytes) {
                "the queue was full (max_queue_bytes)"
            } else {
                return None;
            };
            let oldest = self.entries.iter().position(Entry::is_span);
            // What happens to a session is worth more than any span of it.
            let victim = oldest.or_else(|| (!entry.is_span()).then_some(0));
            match victim.and_then(|victim| self.entries.remove(victim)) {
                Some(victim) => {
                    self.budget.release(victim.bytes);
                    self.lose(1, reason);
                    dropped.push(victim);
                }
                None => return Some(reason),
            }
        }
    }

    /// Takes what goes into the next request: one session change, or spans that come first, up to both limits.
    pub(super) fn take(&mut self, limit: usize, max_bytes: usize) -> Vec<Entry> {
        self.is_asked = false;
        let (mut count, mut bytes) = (0, 0_usize);
        for entry in self.entries.iter().take(limit.max(1)) {
            let with_it = bytes.saturating_add(entry.bytes);
            if count > 0 && (!entry.is_span() || with_it > max_bytes) {
                break;
            }
            bytes = with_it;
            count += 1;
            if !entry.is_span() {
                break;
            }
        }
        let batch: Vec<_> = self.entries.drain(..count).collect();
        self.sending = batch.first().map(|first| Sending {
            first: first.number,
            count,
            bytes,
        });
        batch
    }

    /// Marks what was taken as dealt with, and what of it was lost.
    pub(super) fn finish(&mut self, loss: Option<Loss>) -> Due {
        if let Some(sending) = self.sending.take() {
            self.budget.release(sending.bytes);
        }
        self.failure = None;
        if let Some(Loss { count, reason }) = loss {
            self.lose(count, &reason);
        }
        self.settle()
    }

    /// Puts what was taken back to the head of the queue, as far as there is room; returns what was dropped.
    pub(super) fn put_back(&mut self, batch: Vec<Entry>, failure: &str) -> (Due, Vec<Entry>) {
        self.sending = None;
        self.failure = Some(failure.to_owned());
        for entry in batch.into_iter().rev() {
            self.entries.push_front(entry);
        }
        let mut dropped = Vec::new();
        while self.entries.len() > self.capacity {
            let oldest = self.entries.iter().position(Entry::is_span);
            let Some(entry) = self.entries.remove(oldest.unwrap_or(0)) else {
                break;
            };
            self.budget.release(entry.bytes);
            self.lose(1, "the queue was full");
            dropped.push(entry);
        }
        (self.settle(), dropped)
    }

    /// The key was rejected: answers all flushes, and near the end gives up on what is left.
    pub(super) fn reject(&mut self, why: &str) -> Due {
        if self.closing.is_some() && !self.entries.is_empty() {
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

    /// Closes the queue, unless it was closed before.
    pub(super) fn close(&mut self, closing: Closing) {
        self.closing.get_or_insert(closing);
        self.is_asked = true;
    }

    /// Adds a flush: all that is queued now has until `deadline`.
    pub(super) fn wait(&mut self, deadline: Instant, answer: Answer) -> Due {
        self.waiters.push(Waiter {
            target: self.next,
            deadline,
            answer,
        });
        self.is_asked = true;
        self.settle()
    }

    /// Decides what comes next. What waits is `due` at some time, or as soon as `is_full` says so, and not in a pause.
    pub(super) fn next(
        &self,
        now: Instant,
        due: Instant,
        is_full: bool,
        pause: Option<Pause>,
    ) -> Next {
        match (self.entries.is_empty(), self.closing) {
            (true, Some(_)) => return Next::End,
            (true, None) => return Next::Wait(None),
            (false, _) => {}
        }
        let ready = match pause {
            // A flush is worth one attempt.
            Some(pause) if self.is_asked && !pause.is_asked => now,
            Some(pause)
                if self
                    .closing
                    .is_some_and(|closing| pause.until >= closing.until) =>
            {
                return Next::GiveUp;
            }
            Some(pause) => pause.until,
            None if is_full || self.closing.is_some() || !self.waiters.is_empty() => now,
            None => due,
        };
        if ready <= now {
            Next::Send
        } else {
            Next::Wait(Some(ready))
        }
    }

    /// Gives up on everything, for the reason of the last failure if there is one.
    pub(super) fn abandon_late(&mut self) -> Due {
        let mut reason = "the tracer was shut down before they could be sent".to_owned();
        if let Some(failure) = &self.failure {
            reason = format!("{reason}: {failure}");
        }
        self.abandon(&reason)
    }

    /// Gives up on everything; nothing will be sent any more.
    pub(super) fn abandon(&mut self, reason: &str) -> Due {
        self.closing.get_or_insert(Closing {
            until: Instant::now(),
            is_hard: true,
        });
        let sending = self.sending.take().map_or(0, |sending| sending.count);
        let count = self.entries.len().saturating_add(sending);
        self.entries.clear();
        self.budget = ByteBudget::new(self.budget.limit());
        if count > 0 {
            self.lose(u64::try_from(count).unwrap_or(u64::MAX), reason);
        }
        self.settle()
    }

    /// Finds the flushes whose time is over, and when the next one's is.
    pub(super) fn expire(&mut self, now: Instant) -> (Due, Watch) {
        let hard = self.closing.filter(|closing| closing.is_hard);
        let is_busy = self.sending.is_some() || !self.entries.is_empty();
        if is_busy && hard.is_some_and(|closing| closing.until <= now) {
            return (self.abandon_late(), Watch::Over);
        }
        let failure = self.failure.as_deref().map(|why| format!(" ({why})"));
        let failure = failure.unwrap_or_default();
        let over = self.waiters.extract_if(.., |waiter| waiter.deadline <= now);
        let due = over.map(|waiter| {
            let message =
                format!("telemetry did not arrive in time; it is still being sent{failure}");
            (waiter.answer, Err(Error::new(ErrorKind::Timeout, message)))
        });
        let due = Due {
            answers: due.collect(),
            dropped: self.dropped,
        };
        let deadlines = self.waiters.iter().map(|waiter| waiter.deadline);
        let next = deadlines.chain(hard.map(|closing| closing.until)).min();
        (due, Watch::At(next.filter(|_| is_busy)))
    }

    fn lose(&mut self, count: u64, reason: &str) {
        self.dropped = self.dropped.saturating_add(count);
        reason.clone_into(&mut self.reason);
    }

    /// Finds the flushes for which all is dealt with; each is told what nobody was told yet.
    pub(super) fn settle(&mut self) -> Due {
        let first_waiting = self.entries.front().map_or(self.next, |first| first.number);
        let oldest = self.sending.as_ref().map_or(first_waiting, |s| s.first);
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
        match self.dropped.saturating_sub(self.told) {
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

#[cfg(test)]
mod tests;
