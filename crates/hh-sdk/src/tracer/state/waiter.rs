//! Waiting flushes and their results.

use std::time::Instant;

use crate::{Error, ErrorKind};

/// A flush that waits.
pub(crate) struct Waiter {
    /// The flush waits for all spans and session changes below this number.
    pub(super) target: u64,
    pub(super) deadline: Instant,
    pub(super) answer: Answer,
}

/// A function that receives the result of a flush and returns whether the caller still waits for it.
pub(crate) type Answer = Box<dyn FnOnce(Result<(), Error>) -> bool + Send>;

/// Results to deliver after the lock is released, because delivery wakes other threads.
#[must_use = "deliver the results after releasing the lock"]
pub(crate) struct Replies {
    /// The functions to call, with their results.
    pub(crate) answers: Vec<(Answer, Result<(), Error>)>,
    /// The total number of losses that the results include.
    pub(crate) dropped: u64,
}

/// The next check of the deadlines of flushes.
pub(crate) enum Watch {
    /// At this time, or when a flush begins.
    Until(Option<Instant>),
    /// There is no next check, because the time of a shutdown is over.
    Done,
}

/// Returns the error of a flush that the export thread did not end in time.
pub(crate) fn no_response() -> Error {
    Error::new(
        ErrorKind::Timeout,
        "timed out while sending telemetry: the export thread does not respond",
    )
    .with_hint("check whether writing to standard error or the reporter function blocks")
}
