//! The error of the client and the tracer.

use std::fmt;
use std::time::Duration;

use hh_config::LoadError;
use hh_text::is_unsafe;
use hh_transport::{TransportError, TransportErrorKind};

/// What the caller can do about an [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Settings or the credential store cannot be used: mend the place that the message names.
    Config,
    /// No API key was found: set one.
    MissingKey,
    /// The API key cannot be one: copy it again.
    MalformedKey,
    /// The server refused the key: use another.
    Unauthenticated,
    /// The key may not do this: use one that may.
    PermissionDenied,
    /// There is no such object, or the key does not apply to it.
    NotFound,
    /// It exists already.
    Conflict,
    /// The server refused the request as it is.
    Invalid,
    /// The request, or the answer it asks for, is too large: ask for less.
    TooLarge,
    /// Too many requests: wait, for [`Error::retry_after`] if it is known.
    RateLimited,
    /// The server cannot be reached: check the address.
    Unreachable,
    /// The proxy cannot be reached or does not connect: check its settings.
    Proxy,
    /// No encrypted connection could be made, or none may be avoided.
    Tls,
    /// It took too long: try again.
    Timeout,
    /// The server failed: try again.
    Unavailable,
    /// Test mode opens no connection, so there is no answer.
    TestMode,
    /// Telemetry was lost: the queue was full or the server refused it.
    Dropped,
    /// Something else.
    Other,
}

/// Why it failed, in one line; never a secret, never a body.
pub struct Error {
    inner: Box<Inner>,
}

struct Inner {
    kind: ErrorKind,
    message: String,
    has_problem: bool,
    is_answered: bool,
    retry_after: Option<Duration>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            inner: Box::new(Inner {
                kind,
                message: message.into(),
                has_problem: false,
                is_answered: false,
                retry_after: None,
                source: None,
            }),
        }
    }

    /// Adds to the message what follows a colon.
    pub(crate) fn with_more(mut self, more: &str) -> Self {
        self.inner.message = format!("{}: {more}", self.inner.message);
        self
    }

    /// Adds to the message what people may do next, or why it may be so.
    pub(crate) fn with_next(mut self, next: &str) -> Self {
        self.inner.message = format!("{}; {next}", self.inner.message);
        self
    }

    /// Tells whether the server said in its own words what is wrong.
    pub(crate) fn has_problem(&self) -> bool {
        self.inner.has_problem
    }

    /// Tells whether a server answered it.
    pub(crate) fn is_answered(&self) -> bool {
        self.inner.is_answered
    }

    fn with_source(mut self, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.inner.source = Some(Box::new(source));
        self
    }

    /// Returns what the caller can do about it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.inner.kind
    }

    /// Returns the name under which the server logged the request, if it told.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        self.sent()?.problem()?.request_id()
    }

    /// Returns the error of the request, if one was to be sent.
    pub(crate) fn sent(&self) -> Option<&TransportError> {
        self.inner.source.as_deref()?.downcast_ref()
    }

    /// Returns how long to wait before the request has a chance, if the server or a limit said so: at most a day.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.inner.retry_after
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.inner.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Error")
            .field("kind", &self.inner.kind)
            .field("message", &self.inner.message)
            .finish_non_exhaustive()
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        let source = self.inner.source.as_deref()?;
        Some(source)
    }
}

impl From<LoadError> for Error {
    fn from(error: LoadError) -> Self {
        Self::new(ErrorKind::Config, error.to_string()).with_source(error)
    }
}

impl From<hh_auth::StoreError> for Error {
    fn from(error: hh_auth::StoreError) -> Self {
        // It may quote the keyring.
        let message = error.to_string().replace(is_unsafe, "");
        Self::new(ErrorKind::Config, message).with_source(error)
    }
}

impl From<TransportError> for Error {
    fn from(error: TransportError) -> Self {
        let kind = kind_of(&error);
        let problem = error.problem();
        let mut message = error.to_string();
        if let Some(text) = problem.and_then(|problem| problem.message()) {
            message.push_str(": ");
            message.push_str(text);
        }
        if error.status().is_some_and(|status| status.is_redirection()) {
            message.push_str("; no redirect is followed: set base_url to where it leads");
        }
        if let Some(id) = problem.and_then(|problem| problem.request_id()) {
            message = format!("{message} (request {id})");
        }
        let attempts = error.attempts().len();
        if attempts > 1 {
            message = format!("{message} (after {attempts} attempts)");
        }
        let mut result = Self::new(kind, message);
        result.inner.has_problem = problem.is_some_and(|problem| problem.message().is_some());
        result.inner.is_answered = error.status().is_some();
        result.inner.retry_after = error.retry_after();
        result.with_source(error)
    }
}

fn kind_of(error: &TransportError) -> ErrorKind {
    match error.kind() {
        TransportErrorKind::Unauthenticated => ErrorKind::Unauthenticated,
        TransportErrorKind::PermissionDenied => ErrorKind::PermissionDenied,
        TransportErrorKind::NotFound => ErrorKind::NotFound,
        TransportErrorKind::Conflict => ErrorKind::Conflict,
        TransportErrorKind::RateLimited => ErrorKind::RateLimited,
        TransportErrorKind::Rejected if error.status().is_some_and(|s| s.as_u16() == 413) => {
            ErrorKind::TooLarge
        }
        TransportErrorKind::Rejected if error.status().is_some_and(|s| s.as_u16() == 408) => {
            ErrorKind::Timeout
        }
        TransportErrorKind::Rejected => ErrorKind::Invalid,
        TransportErrorKind::Unreachable => ErrorKind::Unreachable,
        TransportErrorKind::Proxy => ErrorKind::Proxy,
        TransportErrorKind::Tls | TransportErrorKind::Insecure => ErrorKind::Tls,
        TransportErrorKind::Timeout => ErrorKind::Timeout,
        TransportErrorKind::Unavailable
        | TransportErrorKind::Interrupted
        | TransportErrorKind::InvalidResponse => ErrorKind::Unavailable,
        TransportErrorKind::InvalidRequest | TransportErrorKind::Other | _ => ErrorKind::Other,
    }
}
