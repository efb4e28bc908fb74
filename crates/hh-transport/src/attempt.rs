//! Records of the attempts of a call.

use std::time::Duration;

use http::{Method, StatusCode};

use crate::error::TransportErrorKind;

/// The record of one attempt of a call: its result and its duration.
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

    /// Returns the kind of the error, or `None` if the attempt succeeded.
    pub const fn error(&self) -> Option<TransportErrorKind> {
        self.error
    }

    /// Returns whether it is certain that no byte of the request was sent.
    pub const fn is_certainly_unsent(&self) -> bool {
        self.unsent
    }

    /// Returns the time from the start of the attempt to its result, including the setup of a connection.
    pub const fn elapsed(&self) -> Duration {
        self.elapsed
    }
}

/// An event that the [observer](crate::TransportBuilder::with_observer) of a transport receives. It contains no header,
/// no query and no body.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// An attempt has finished.
    Attempt(AttemptRecord),
    /// The call waits before another attempt or because of a rate limit.
    Wait {
        /// The duration of the wait.
        delay: Duration,
        /// Whether the server or a rate limit requires the wait. Otherwise, the wait is a random delay before a retry.
        asked: bool,
    },
}

/// An attempt with the method, the host and the path of its request.
#[derive(Clone, Debug)]
pub struct AttemptRecord {
    pub(crate) method: Method,
    pub(crate) host: String,
    pub(crate) path: String,
    pub(crate) attempt: Attempt,
    pub(crate) message: Option<String>,
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

    /// Returns the message of the error, or `None` if the attempt succeeded.
    pub fn error_message(&self) -> Option<&str> {
        self.message.as_deref()
    }
}
