//! Starts and ends flushes.

use std::time::Instant;

use super::State;
use super::waiter::{Answer, Replies, Waiter, Watch, no_response};
use crate::{Error, ErrorKind};

impl State {
    /// Adds a flush that waits for everything in the queue, until `deadline`. A shutdown repeats the result of a
    /// completed one.
    pub(crate) fn wait(&mut self, deadline: Instant, is_shutdown: bool, answer: Answer) -> Replies {
        if let Some(result) = self.shutdown.as_ref().filter(|_| is_shutdown) {
            return result.repeat(answer);
        }
        self.waiters.push(Waiter {
            target: self.next,
            deadline,
            is_shutdown,
            answer,
        });
        self.is_asked = true;
        self.complete_flushes()
    }

    /// Fails all flushes after the API key was rejected; during a shutdown, drops the rest of the queue.
    pub(crate) fn reject(&mut self, why: &str) -> Replies {
        if self.closing.is_some() && !self.blocks.is_empty() {
            return self.abandon(why);
        }
        self.answer_if(
            |_| true,
            || {
                let message = format!("{why}; the tracer retries in one minute");
                Error::new(ErrorKind::Unauthenticated, message)
            },
        )
    }

    /// Fails the flushes whose deadline has passed, and returns the time of the next check.
    pub(crate) fn expire(&mut self, now: Instant) -> (Replies, Watch) {
        let hard = self.closing.filter(|closing| closing.is_hard);
        let is_busy = self.is_busy();
        if is_busy && hard.is_some_and(|closing| closing.until <= now) {
            return (self.abandon_late(), Watch::Done);
        }
        let failure = self.failure.describe(self.sending.is_some());
        let failure = failure.map(|why| format!(" ({why})"));
        let failure = failure.unwrap_or_default();
        let due = self.answer_if(
            |waiter| waiter.deadline <= now,
            || {
                let message =
                    format!("timed out while sending telemetry; the tracer continues{failure}");
                Error::new(ErrorKind::Timeout, message)
            },
        );
        let deadlines = self.waiters.iter().map(|waiter| waiter.deadline);
        let next = deadlines.chain(hard.map(|closing| closing.until)).min();
        (due, Watch::Until(next.filter(|_| is_busy)))
    }

    /// Returns whether a watchdog must be started, and marks it as running.
    pub(crate) fn watch(&mut self) -> bool {
        let is_needed = !self.is_watched && !self.waiters.is_empty();
        self.is_watched |= is_needed;
        is_needed
    }

    /// Marks the watchdog as not running.
    pub(crate) fn unwatch(&mut self) {
        self.is_watched = false;
    }

    /// Returns the earliest deadline of a flush.
    pub(crate) fn first_deadline(&self) -> Option<Instant> {
        self.waiters.iter().map(|waiter| waiter.deadline).min()
    }

    /// Fails the flushes up to this deadline, because the export thread did not end them.
    pub(crate) fn overdue(&mut self, deadline: Instant) -> Replies {
        self.answer_if(|waiter| waiter.deadline <= deadline, no_response)
    }

    /// Fails all flushes because the export thread cannot be started; during a shutdown, drops the rest of the queue.
    pub(crate) fn fail_to_start(&mut self, why: &str) -> Replies {
        if self.closing.is_some() && !self.blocks.is_empty() {
            return self.abandon(why);
        }
        self.answer_if(
            |_| true,
            || {
                let message = format!("{why}; the tracer retries at the next span or flush");
                Error::new(ErrorKind::Other, message)
            },
        )
    }

    /// Fails the flushes that `is_due` selects.
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
