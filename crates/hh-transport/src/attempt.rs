//! Records of the attempts of a call.

use std::time::Duration;

use http::{Method, StatusCode};

use crate::error::TransportErrorKind;

/// One attempt of a call: its result and its duration.
#[derive(Clone, Debug)]
pub struct Attempt {
    pub(crate) number: u32,
    pub(crate) status: Option<StatusCode>,
    pub(crate) error: Option<TransportErrorKind>,
    pub(crate) unsent: bool,
    pub(crate) elapsed: Duration,
}

impl Attempt {
    /// Returns the number of the attempt, counted from 1.
    pub const fn number(&self) -> u32 {
        self.number
    }

    /// Returns the status of the response, if a response was received.
    pub const fn status(&self) -> Option<StatusCode> {
        self.status
    }

    /// Returns the kind of error; `None` for a successful response.
    pub const fn error(&self) -> Option<TransportErrorKind> {
        self.error
    }

    /// Returns whether certainly no byte of the request was sent.
    pub const fn is_certainly_unsent(&self) -> bool {
        self.unsent
    }

    /// Returns the time from the start of sending to the last byte of the response.
    pub const fn elapsed(&self) -> Duration {
        self.elapsed
    }
}

/// An event that an observer receives. It contains no header, no query and no body.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// An attempt has finished.
    Attempt(AttemptRecord),
    /// The call waits before another attempt or because of a rate limit.
    Wait {
        /// The duration of the wait.
        delay: Duration,
        /// Whether the server or a rate limit requires the wait. Otherwise it is a random delay.
        asked: bool,
    },
}

/// An attempt with its destination.
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

    /// Returns the host, with the port if the URI contains one.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Returns the path without the query.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Returns the attempt.
    pub const fn attempt(&self) -> &Attempt {
        &self.attempt
    }
}
