//! What is remembered of each attempt.

use std::time::Duration;

use http::{Method, StatusCode};

use crate::error::TransportErrorKind;

/// One attempt of a call: how it ended and how long it took.
#[derive(Clone, Debug)]
pub struct Attempt {
    pub(crate) number: u32,
    pub(crate) status: Option<StatusCode>,
    pub(crate) error: Option<TransportErrorKind>,
    pub(crate) unsent: bool,
    pub(crate) elapsed: Duration,
}

impl Attempt {
    /// Returns its number; the first attempt is 1.
    pub const fn number(&self) -> u32 {
        self.number
    }

    /// Returns the status of the answer, if there was one.
    pub const fn status(&self) -> Option<StatusCode> {
        self.status
    }

    /// Returns what went wrong; `None` when the answer was a success.
    pub const fn error(&self) -> Option<TransportErrorKind> {
        self.error
    }

    /// Returns whether no byte of the request can have left.
    pub const fn is_certainly_unsent(&self) -> bool {
        self.unsent
    }

    /// Returns the time from sending to the last byte of the answer.
    pub const fn elapsed(&self) -> Duration {
        self.elapsed
    }
}

/// What an observer is told: no header, no query, no body.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// An attempt has ended.
    Attempt(AttemptRecord),
    /// The call waits, before another attempt or for its place among the requests that a limit allows.
    Wait {
        /// How long.
        delay: Duration,
        /// Whether the server or a limit asks for it; it is a random delay else.
        asked: bool,
    },
}

/// An attempt and where it went.
#[derive(Clone, Debug)]
pub struct AttemptRecord {
    pub(crate) method: Method,
    pub(crate) host: String,
    pub(crate) path: String,
    pub(crate) attempt: Attempt,
}

impl AttemptRecord {
    /// Returns the method of the request.
    pub const fn method(&self) -> &Method {
        &self.method
    }

    /// Returns the host, with the port if the URI names one.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Returns the path without the query.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Returns how the attempt ended.
    pub const fn attempt(&self) -> &Attempt {
        &self.attempt
    }
}
