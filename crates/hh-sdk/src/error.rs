//! The error type of the client and the tracer.

use std::fmt;
use std::time::Duration;

use hh_config::LoadError;
use hh_text::Diagnostic;
use hh_transport::{TransportError, TransportErrorKind};

/// The kind of an [`Error`], which decides what the caller can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A setting or the credential store cannot be used. Fix the source that the message names.
    Config,
    /// No API key is set.
    MissingKey,
    /// The API key has an invalid format. Copy it again.
    MalformedKey,
    /// The server rejected the API key, or `credential_command` failed. Use another key.
    Unauthenticated,
    /// The API key lacks the permission. Use a key with a higher level.
    PermissionDenied,
    /// The object does not exist, or the API key does not apply to it.
    NotFound,
    /// The request conflicts with the current state, for example because the object already exists.
    Conflict,
    /// The request is invalid.
    Invalid,
    /// The request or the response is too large. Send or request less.
    TooLarge,
    /// The client sent too many requests. Wait for [`Error::retry_after`] if it is known.
    RateLimited,
    /// The server cannot be reached. Check the network and the base URL.
    Unreachable,
    /// The proxy cannot be reached, or it failed to connect to the server. Check the proxy settings.
    Proxy,
    /// The TLS connection failed, or the request requires TLS and the base URL is plain `http`.
    Tls,
    /// The time limit passed. Retry.
    Timeout,
    /// The server failed or returned an invalid response. Retry later.
    Unavailable,
    /// Test mode opens no connection, and this call needs the response of a server.
    TestMode,
    /// The tracer lost telemetry, for example because the queue was full, the server rejected it, or a shutdown timed
    /// out.
    Dropped,
    /// An error of another kind.
    Other,
}

/// An error of the client or the tracer: a message, a hint and details.
///
/// The message and the hint have one line each. They contain no API key and no request or response body. `Display`
/// writes only the message.
///
/// # Examples
/// ```
/// use hh_sdk::{ErrorKind, HoneyHive};
///
/// # let env = hh_sdk::config::Env::from_pairs::<&str, &str>([]);
/// let error = HoneyHive::builder()
/// #    .with_env(env)
///     .build()
///     .unwrap_err();
/// match error.kind() {
///     ErrorKind::MissingKey | ErrorKind::MalformedKey => eprintln!("error: {error}"),
///     ErrorKind::RateLimited => eprintln!("retry in {:?}", error.retry_after()),
///     _ => eprintln!("{}", error.to_line()),
/// }
/// # assert_eq!(error.kind(), ErrorKind::MissingKey);
/// ```
pub struct Error {
    inner: Box<Inner>,
}

/// The contents of an [`Error`], boxed to keep results small.
struct Inner {
    kind: ErrorKind,
    diagnostic: Diagnostic,
    retry_after: Option<Duration>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// Creates an error.
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

    /// Returns whether the response has a message that is more specific than its status.
    pub(crate) fn names_cause(&self) -> bool {
        let message = self.sent().and_then(TransportError::problem);
        let Some(message) = message.and_then(|problem| problem.message()) else {
            return false;
        };
        let status = self.sent().and_then(TransportError::status);
        let reason = status.and_then(|status| status.canonical_reason());
        reason.is_none_or(|reason| !message.eq_ignore_ascii_case(reason))
    }

    /// Sets the source.
    fn with_source(mut self, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.inner.source = Some(Box::new(source));
        self
    }

    /// Returns the kind.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.inner.kind
    }

    /// Returns the message, which says what failed. It is the same text as that of `Display`.
    #[must_use]
    pub fn message(&self) -> &str {
        self.inner.diagnostic.message()
    }

    /// Returns the hint, which says what to do, if there is one.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        self.inner.diagnostic.hint()
    }

    /// Returns the message and the hint as one line, for a place with room for only one line, such as a warning.
    #[must_use]
    pub fn to_line(&self) -> String {
        self.inner.diagnostic.to_line()
    }

    /// Returns the HTTP status of the last response, if there was one.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        Some(self.sent()?.status()?.as_u16())
    }

    /// Returns the id that the request has in the log of the server, if the response contains it.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        self.sent()?.problem()?.request_id()
    }

    /// Returns the error of the transport, if sending the request failed.
    pub(crate) fn sent(&self) -> Option<&TransportError> {
        self.inner.source.as_deref()?.downcast_ref()
    }

    /// Returns how long to wait before the next request, if the server or the rate limit requires it; at most one day.
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

/// Returns a diagnostic with the message and the hint of another error.
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
            Some("set base_url to the address that the server redirects to")
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

/// Returns the kind of an error of the transport.
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
