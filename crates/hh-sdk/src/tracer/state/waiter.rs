//! Who waits for a flush, and the answers that they get.

use std::time::Instant;

use crate::{Error, ErrorKind};

/// A flush that has not ended.
pub(crate) struct Waiter {
    /// All jobs below this number must be dealt with.
    pub(super) target: u64,
    pub(super) deadline: Instant,
    pub(super) answer: Answer,
}

/// Receives the outcome and returns whether a caller was still waiting for it.
pub(crate) type Answer = Box<dyn FnOnce(Result<(), Error>) -> bool + Send>;

/// Answers that are due. They wake other threads, so they are given with the lock released.
#[must_use = "give them with the lock released"]
pub(crate) struct Replies {
    pub(crate) answers: Vec<(Answer, Result<(), Error>)>,
    /// How many jobs were dropped in all when these answers were made.
    pub(crate) dropped: u64,
}

/// When flushes have to be looked at again.
pub(crate) enum Watch {
    Until(Option<Instant>),
    /// The time to send anything is over.
    Done,
}

/// The export thread has not ended a flush in time.
pub(crate) fn no_response() -> Error {
    Error::new(
        ErrorKind::Timeout,
        "telemetry did not arrive in time: the export thread does not respond; check that standard error or the reporter does not block",
    )
}
