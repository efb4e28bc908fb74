//! Flushes: who waits for what, and until when.

use std::time::Instant;

use super::State;
use super::waiter::{Answer, Replies, Waiter, Watch, no_response};
use crate::{Error, ErrorKind};

impl State {
    /// Adds a flush: all that is queued now has until `deadline`.
    pub(crate) fn wait(&mut self, deadline: Instant, answer: Answer) -> Replies {
        self.waiters.push(Waiter {
            target: self.next,
            deadline,
            answer,
        });
        self.is_asked = true;
        self.complete_flushes()
    }

    /// The key was rejected: answers all flushes, and near the end gives up on what is left.
    pub(crate) fn reject(&mut self, why: &str) -> Replies {
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
    pub(crate) fn expire(&mut self, now: Instant) -> (Replies, Watch) {
        let hard = self.closing.filter(|closing| closing.is_hard);
        let is_busy = self.is_busy();
        if is_busy && hard.is_some_and(|closing| closing.until <= now) {
            return (self.abandon_late(), Watch::Done);
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
        (due, Watch::Until(next.filter(|_| is_busy)))
    }

    /// Marks that a watchdog is there if a flush waits and none is; returns whether one has to be started.
    pub(crate) fn watch(&mut self) -> bool {
        let is_needed = !self.is_watched && !self.waiters.is_empty();
        self.is_watched |= is_needed;
        is_needed
    }

    /// Marks that there is no watchdog.
    pub(crate) fn unwatch(&mut self) {
        self.is_watched = false;
    }

    /// Returns when the time of the first flush is over.
    pub(crate) fn first_deadline(&self) -> Option<Instant> {
        self.waiters.iter().map(|waiter| waiter.deadline).min()
    }

    /// Answers the flushes whose time was over then: the export thread has not done it.
    pub(crate) fn overdue(&mut self, deadline: Instant) -> Replies {
        self.answer_if(|waiter| waiter.deadline <= deadline, no_response)
    }

    /// The export thread cannot be started: answers all flushes, and near the end gives up on what is left.
    pub(crate) fn fail_to_start(&mut self, why: &str) -> Replies {
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

    fn answer_if(
        &mut self,
        is_due: impl Fn(&Waiter) -> bool,
        error: impl Fn() -> Error,
    ) -> Replies {
        let due = self.waiters.extract_if(.., |waiter| is_due(waiter));
        let answers = due.map(|waiter| (waiter.answer, Err(error())));
        Replies {
            answers: answers.collect(),
            dropped: self.dropped,
        }
    }
}
