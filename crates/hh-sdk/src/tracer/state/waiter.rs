//! Waiting flushes and their results.

use std::sync::mpsc;
use std::time::Instant;

use hh_text::Diagnostic;
use tokio::sync::oneshot;

use crate::error::diagnostic;
use crate::{Error, ErrorKind};

/// A flush that waits.
pub(crate) struct Waiter {
    /// The flush waits for all spans and session changes below this number.
    pub(super) target: u64,
    pub(super) deadline: Instant,
    /// Whether the flush belongs to a shutdown, whose result is stored.
    pub(super) is_shutdown: bool,
    pub(super) answer: Answer,
}

/// The result of a completed shutdown, which later shutdowns repeat.
pub(super) struct ShutdownResult {
    error: Option<(ErrorKind, Diagnostic)>,
    /// The total number of losses that the result includes.
    dropped: u64,
}

impl ShutdownResult {
    /// Stores a result that includes this number of losses.
    pub(super) fn new(result: &Result<(), Error>, dropped: u64) -> Self {
        let error = result.as_ref().err();
        Self {
            error: error.map(|error| (error.kind(), diagnostic(error, error.hint()))),
            dropped,
        }
    }

    /// Returns the result for another shutdown.
    pub(super) fn repeat(&self, answer: Answer) -> Replies {
        let error = self.error.clone();
        let error = error.map(|(kind, diagnostic)| Error::new(kind, diagnostic));
        Replies {
            answers: vec![(answer, error.map_or(Ok(()), Err))],
            dropped: self.dropped,
        }
    }
}

/// The caller of a flush, which receives the result.
pub(crate) enum Answer {
    /// A future.
    Future(oneshot::Sender<Result<(), Error>>),
    /// A blocked thread.
    Thread(mpsc::Sender<Result<(), Error>>),
}

impl Answer {
    /// Returns whether the caller still waits.
    pub(crate) fn is_awaited(&self) -> bool {
        match self {
            Self::Future(sender) => !sender.is_closed(),
            Self::Thread(_) => true,
        }
    }

    /// Sends the result, and returns whether the caller still waits for it.
    pub(crate) fn send(self, result: Result<(), Error>) -> bool {
        match self {
            Self::Future(sender) => sender.send(result).is_ok(),
            Self::Thread(sender) => sender.send(result).is_ok(),
        }
    }
}

/// Results to deliver after the lock is released, because delivery wakes other threads.
#[must_use = "deliver the results after releasing the lock"]
pub(crate) struct Replies {
    /// The callers, with their results.
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
