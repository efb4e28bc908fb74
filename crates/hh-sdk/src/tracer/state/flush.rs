//! Flushes: who waits for what, and until when.

use std::time::Instant;

use super::State;
use crate::catch::catch;
use crate::tracer::block::Block;
use crate::tracer::queue::Inner;
use crate::tracer::watchdog::no_response;
use crate::{Error, ErrorKind};

pub(in crate::tracer) struct Waiter {
    /// All jobs below this number must be dealt with.
    target: u64,
    deadline: Instant,
    answer: Answer,
}

/// Receives the outcome and returns whether a caller was still waiting for it.
pub(in crate::tracer) type Answer = Box<dyn FnOnce(Result<(), Error>) -> bool + Send>;

/// Answers that are due. They wake other threads, so they are given with the lock released.
#[must_use = "call give() with the lock released"]
pub(in crate::tracer) struct Due {
    pub(super) answers: Vec<(Answer, Result<(), Error>)>,
    /// How many jobs were dropped in all when these answers were made.
    dropped: u64,
}

impl Due {
    pub(in crate::tracer) fn give(self, inner: &Inner) {
        if !self.answers.is_empty() {
            inner.answered.notify_all();
        }
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

/// When flushes have to be looked at again.
pub(in crate::tracer) enum Watch {
    At(Option<Instant>),
    /// The time to send anything is over.
    Over,
}

impl State {
    /// Adds a flush: all that is queued now has until `deadline`.
    pub(in crate::tracer) fn wait(&mut self, deadline: Instant, answer: Answer) -> Due {
        self.waiters.push(Waiter {
            target: self.next,
            deadline,
            answer,
        });
        self.is_asked = true;
        self.settle()
    }

    /// Finds the flushes for which all is dealt with; each is told what nobody was told yet.
    pub(in crate::tracer) fn settle(&mut self) -> Due {
        let first_waiting = self.blocks.front().map_or(self.next, Block::number);
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

    /// The key was rejected: answers all flushes, and near the end gives up on what is left.
    pub(in crate::tracer) fn reject(&mut self, why: &str) -> Due {
        if self.closing.is_some() && !self.blocks.is_empty() {
            return self.abandon(why);
        }
        self.answer_if(
            |_| true,
            || {
                let message = format!("{why}; what is not sent yet is tried again in a minute");
                Error::new(ErrorKind::Unauthenticated, message)
            },
        )
    }

    /// Finds the flushes whose time is over, and when the next one's is.
    pub(in crate::tracer) fn expire(&mut self, now: Instant) -> (Due, Watch) {
        let hard = self.closing.filter(|closing| closing.is_hard);
        let is_busy = self.is_busy();
        if is_busy && hard.is_some_and(|closing| closing.until <= now) {
            return (self.abandon_late(), Watch::Over);
        }
        let failure = self.failure.as_deref().map(|why| format!(" ({why})"));
        let failure = failure.unwrap_or_default();
        let due = self.answer_if(
            |waiter| waiter.deadline <= now,
            || {
                let message =
                    format!("telemetry did not arrive in time; it is still being sent{failure}");
                Error::new(ErrorKind::Timeout, message)
            },
        );
        let deadlines = self.waiters.iter().map(|waiter| waiter.deadline);
        let next = deadlines.chain(hard.map(|closing| closing.until)).min();
        (due, Watch::At(next.filter(|_| is_busy)))
    }

    /// Marks that a watchdog is there if a flush waits and none is; returns whether one has to be started.
    pub(in crate::tracer) fn watch(&mut self) -> bool {
        let is_needed = !self.is_watched && !self.waiters.is_empty();
        self.is_watched |= is_needed;
        is_needed
    }

    /// Marks that there is no watchdog.
    pub(in crate::tracer) fn unwatch(&mut self) {
        self.is_watched = false;
    }

    /// Returns when the time of the first flush is over.
    pub(in crate::tracer) fn first_deadline(&self) -> Option<Instant> {
        self.waiters.iter().map(|waiter| waiter.deadline).min()
    }

    /// Answers the flushes whose time was over then: the export thread has not done it.
    pub(in crate::tracer) fn overdue(&mut self, deadline: Instant) -> Due {
        self.answer_if(|waiter| waiter.deadline <= deadline, no_response)
    }

    /// The export thread cannot be started: answers all flushes, and near the end gives up on what is left.
    pub(in crate::tracer) fn fail_to_start(&mut self, why: &str) -> Due {
        if self.closing.is_some() && !self.blocks.is_empty() {
            return self.abandon(why);
        }
        self.answer_if(
            |_| true,
            || {
                let message = format!("{why}; the next span or flush tries again");
                Error::new(ErrorKind::Other, message)
            },
        )
    }

    fn answer_if(&mut self, is_due: impl Fn(&Waiter) -> bool, error: impl Fn() -> Error) -> Due {
        let due = self.waiters.extract_if(.., |waiter| is_due(waiter));
        let answers = due.map(|waiter| (waiter.answer, Err(error())));
        Due {
            answers: answers.collect(),
            dropped: self.dropped,
        }
    }
}
