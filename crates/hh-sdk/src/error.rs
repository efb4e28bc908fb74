//! The error of the client and the tracer.

use std::fmt;
use std::time::Duration;

use hh_config::LoadError;
use hh_text::Diagnostic;
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

/// Why it failed: a message and a hint of one line each, and details. Never a secret, never a body.
pub struct Error {
    inner: Box<Inner>,
}

struct Inner {
    kind: ErrorKind,
    diagnostic: Diagnostic,
    retry_after: Option<Duration>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, diagnostic: impl Into<Diagnostic>) -> Self {
        Self {
            inner: Box::new(Inner {
                kind,
                diagnostic: diagnostic.into(),
                retry_after: None,
                source: None,
            }),
        }
    }

    /// Sets the hint.
    pub(crate) fn with_hint(mut self, hint: impl Into<std::borrow::Cow<'static, str>>) -> Self {
        self.inner.diagnostic = self.inner.diagnostic.with_hint(hint);
        self
    }

    /// Returns whether a server responded.
    pub(crate) fn is_answered(&self) -> bool {
        self.status().is_some()
    }

    /// Returns whether the server named the cause, and not only the status.
    pub(crate) fn names_cause(&self) -> bool {
        let message = self.sent().and_then(TransportError::problem);
        let Some(message) = message.and_then(|problem| problem.message()) else {
            return false;
        };
        let status = self.sent().and_then(TransportError::status);
        let reason = status.and_then(|status| status.canonical_reason());
        reason.is_none_or(|reason| !message.eq_ignore_ascii_case(reason))
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

    /// Returns what failed; the same as `Display`.
    #[must_use]
    pub fn message(&self) -> &str {
        self.inner.diagnostic.message()
    }

    /// Returns what to do about it, if that is not plain from the message.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        self.inner.diagnostic.hint()
    }

    /// Returns message and hint as one line, for where only a line fits, such as a warning.
    #[must_use]
    pub fn to_line(&self) -> String {
        self.inner.diagnostic.to_line()
    }

    /// Returns the HTTP status of the last response, if there was one.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        Some(self.sent()?.status()?.as_u16())
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
        formatter.write_str(self.message())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Error")
            .field("kind", &self.inner.kind)
            .field("message", &self.message())
            .field("hint", &self.hint())
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
        let diagnostic = diagnostic(&error, error.hint());
        Self::new(ErrorKind::Config, diagnostic).with_source(error)
    }
}

/// Copies message and hint of another error.
pub(crate) fn diagnostic(message: &impl fmt::Display, hint: Option<&str>) -> Diagnostic {
    let diagnostic = Diagnostic::new(message.to_string());
    match hint {
        Some(hint) => diagnostic.with_hint(hint.to_owned()),
        None => diagnostic,
    }
}

impl From<hh_auth::StoreError> for Error {
    fn from(error: hh_auth::StoreError) -> Self {
        let diagnostic = diagnostic(&error, error.hint());
        Self::new(ErrorKind::Config, diagnostic).with_source(error)
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
        let hint = if error.status().is_some_and(|status| status.is_redirection()) {
            message.push_str("; redirects are not followed");
            Some("set base_url to the address that it redirects to")
        } else {
            error.hint()
        };
        if let Some(id) = problem.and_then(|problem| problem.request_id()) {
            message = format!("{message} (request {id})");
        }
        let attempts = error.attempts().len();
        if attempts > 1 {
            message = format!("{message} (after {attempts} attempts)");
        }
        let mut result = Self::new(kind, diagnostic(&message, hint));
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
