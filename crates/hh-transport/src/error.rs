//! The error of this crate.
//!
//! Messages consist of the host, the status and fixed texts. The text of the server is separate and redacted, in
//! [`Problem`]. No URL, header or body is ever part of a message.

mod kind;

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::time::Duration;

use http::StatusCode;

use crate::attempt::Attempt;
use crate::problem::Problem;

pub use kind::{TimeoutStage, TransportErrorKind};

type Source = Box<dyn Error + Send + Sync>;

/// The error of this crate: a request could not be sent, or its response is unusable or has no success status.
///
/// The message contains no URL, no header and no body. The text that the server sent is separate and redacted, in
/// [`Problem`].
pub struct TransportError {
    inner: Box<Inner>,
}

struct Inner {
    kind: TransportErrorKind,
    message: Cow<'static, str>,
    hint: Option<&'static str>,
    /// The cause, without the host.
    cause: Option<String>,
    unsent: bool,
    /// Whether a retry cannot succeed, although nothing was sent.
    permanent: bool,
    stage: Option<TimeoutStage>,
    status: Option<StatusCode>,
    problem: Option<Problem>,
    retry_after: Option<Duration>,
    attempts: Vec<Attempt>,
    source: Option<Source>,
}

impl TransportError {
    /// Creates the error for a connection to `host` that cannot be established. The request counts as
    /// [unsent](Self::is_certainly_unsent). The message is `cannot connect to HOST: WHY`.
    pub fn unreachable(host: &str, why: impl fmt::Display) -> Self {
        Self::new(
            TransportErrorKind::Unreachable,
            format!("cannot connect to {host}: {why}"),
        )
        .with_cause(&why)
        .unsent()
    }

    /// Creates the error for a `proxy` that does not connect to `host`. The request counts as
    /// [unsent](Self::is_certainly_unsent). The message is `cannot connect to HOST: the proxy PROXY WHY`. A `permanent`
    /// error, such as missing credentials, is not retried.
    pub fn proxy(proxy: &str, host: &str, why: impl fmt::Display, permanent: bool) -> Self {
        let message = format!("cannot connect to {host}: the proxy {proxy} {why}");
        let mut error = Self::new(TransportErrorKind::Proxy, message)
            .with_cause(&why)
            .unsent();
        error.inner.permanent = permanent;
        error
    }

    /// Creates the error for a failed TLS handshake with `host`. The request counts as
    /// [unsent](Self::is_certainly_unsent). The message is `cannot set up TLS with HOST: WHY`.
    pub fn tls(host: &str, why: impl fmt::Display) -> Self {
        Self::new(
            TransportErrorKind::Tls,
            format!("cannot set up TLS with {host}: {why}"),
        )
        .with_cause(&why)
        .unsent()
    }

    /// Creates the error for a request to `host` whose `stage` took longer than `after`. The request counts as
    /// [unsent](Self::is_certainly_unsent) only after a timeout of the stage [`Connect`](TimeoutStage::Connect).
    pub fn timeout(host: &str, stage: TimeoutStage, after: Duration) -> Self {
        let after = HumanDuration(after);
        let (message, cause) = match stage {
            TimeoutStage::Connect => (
                format!("cannot connect to {host}: no connection within {after}"),
                format!("no connection within {after}"),
            ),
            TimeoutStage::FirstByte => (
                format!("connected to {host}, but received no response within {after}"),
                format!("no response within {after}"),
            ),
            TimeoutStage::IdleRead => (
                format!("the response from {host} stopped for {after} before it was complete"),
                format!("the response stopped for {after} before it was complete"),
            ),
            TimeoutStage::Total => (
                format!("no complete response from {host} within {after}"),
                format!("no complete response within {after}"),
            ),
        };
        let mut error = Self::new(TransportErrorKind::Timeout, message).with_cause(&cause);
        error.inner.stage = Some(stage);
        error.inner.unsent = stage == TimeoutStage::Connect;
        error
    }

    /// Creates the error for a lost connection to `host`. The request may have been sent.
    pub fn interrupted(host: &str) -> Self {
        Self::new(
            TransportErrorKind::Interrupted,
            format!("the connection to {host} was lost before the response was complete"),
        )
    }

    /// Creates the error for an unusable response from `host`. The message is `the response from HOST WHY`.
    pub fn invalid_response(host: &str, why: impl fmt::Display) -> Self {
        Self::new(
            TransportErrorKind::InvalidResponse,
            format!("the response from {host} {why}"),
        )
    }

    /// Creates the error for an invalid request, which counts as [unsent](Self::is_certainly_unsent). `message` must
    /// not contain a secret.
    pub fn invalid_request(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(TransportErrorKind::InvalidRequest, message).unsent()
    }

    /// Creates the error that an [`Authorizer`](crate::Authorizer) returns if it has no usable key for a request. The
    /// request counts as [unsent](Self::is_certainly_unsent).
    ///
    /// `source` is the cause, which [`Error::source`] returns.
    pub fn no_credential(source: impl Into<Source>) -> Self {
        let error = Self::new(
            TransportErrorKind::Unauthenticated,
            "no usable API key for this request",
        );
        error.unsent().with_source(source)
    }

    /// Creates the error for a file of trusted certificates that cannot be used.
    #[cfg(feature = "reqwest")]
    pub(crate) fn invalid_trust(why: &str, hint: Option<&'static str>) -> Self {
        let message = format!("cannot use the file of trusted certificates: {why}");
        let mut error = Self::new(TransportErrorKind::Tls, message).unsent();
        error.inner.hint = hint;
        error
    }

    /// Creates an error of the kind [`Other`](TransportErrorKind::Other), which is never retried. `message` must not
    /// contain a secret.
    pub fn other(message: impl Into<Cow<'static, str>>, source: impl Into<Source>) -> Self {
        Self::new(TransportErrorKind::Other, message).with_source(source)
    }

    /// Creates the error for a call outside of a runtime that it can use.
    #[cfg(feature = "reqwest")]
    pub(crate) fn unusable_runtime(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(TransportErrorKind::Other, message).unsent()
    }

    /// Creates the error for a rate limit that allows no request before `wait` has passed.
    pub(crate) fn limited(host: &str, wait: Duration) -> Self {
        let message = format!("too many requests to {host} from this program");
        let mut error = Self::new(TransportErrorKind::RateLimited, message).unsent();
        error.inner.retry_after = Some(wait);
        error
    }

    pub(crate) fn insecure(host: &str) -> Self {
        let message = format!(
            "refused plain HTTP to {host}: only loopback addresses are allowed without TLS"
        );
        Self::new(TransportErrorKind::Insecure, message)
            .unsent()
            .with_hint(
                "use https; if every machine of the network may read the API key, add the host to insecure_http_hosts (HH_INSECURE_HTTP_HOSTS)",
            )
    }

    /// Creates the error for a response without a success status.
    pub(crate) fn answered(
        host: &str,
        status: StatusCode,
        problem: Option<Problem>,
        retry_after: Option<Duration>,
    ) -> Self {
        let kind = match status.as_u16() {
            401 => TransportErrorKind::Unauthenticated,
            403 => TransportErrorKind::PermissionDenied,
            404 => TransportErrorKind::NotFound,
            409 => TransportErrorKind::Conflict,
            429 => TransportErrorKind::RateLimited,
            300..=499 => TransportErrorKind::Rejected,
            500..=599 => TransportErrorKind::Unavailable,
            _ => TransportErrorKind::InvalidResponse,
        };
        // The standard reason of the status, never the text that the server sent.
        let message = match status.canonical_reason() {
            Some(reason) => format!("{host} responded with {} {reason}", status.as_u16()),
            None => format!("{host} responded with {}", status.as_u16()),
        };
        let mut error = Self::new(kind, message);
        error.inner.status = Some(status);
        error.inner.problem = problem;
        error.inner.retry_after = retry_after;
        error
    }

    /// Creates the error for a deadline that passed before the first request was sent.
    pub(crate) fn deadline_before_sending() -> Self {
        Self::new(
            TransportErrorKind::Timeout,
            "the deadline passed before the request was sent",
        )
        .unsent()
    }

    fn new(kind: TransportErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            inner: Box::new(Inner {
                kind,
                message: message.into(),
                hint: None,
                cause: None,
                unsent: false,
                permanent: false,
                stage: None,
                status: None,
                problem: None,
                retry_after: None,
                attempts: Vec::new(),
                source: None,
            }),
        }
    }

    /// Sets the hint, an imperative without a period, such as `set proxy_username and proxy_password`.
    #[must_use]
    pub fn with_hint(mut self, hint: &'static str) -> Self {
        self.inner.hint = Some(hint);
        self
    }

    /// Sets the text that [`cause`](Self::cause) returns.
    pub(crate) fn with_cause(mut self, cause: &impl fmt::Display) -> Self {
        self.inner.cause = Some(cause.to_string());
        self
    }

    fn unsent(mut self) -> Self {
        self.inner.unsent = true;
        self
    }

    fn with_source(mut self, source: impl Into<Source>) -> Self {
        self.inner.source = Some(source.into());
        self
    }

    pub(crate) fn with_attempts(mut self, attempts: Vec<Attempt>) -> Self {
        // Even if the last attempt sent nothing, an earlier one may have.
        self.inner.unsent &= attempts.iter().all(Attempt::is_certainly_unsent);
        self.inner.attempts = attempts;
        self
    }

    /// Returns the kind of the error.
    pub fn kind(&self) -> TransportErrorKind {
        self.inner.kind
    }

    /// Returns the message, which `Display` also writes.
    pub fn message(&self) -> &str {
        &self.inner.message
    }

    /// Returns the hint about how to fix the problem, if there is one.
    pub fn hint(&self) -> Option<&'static str> {
        self.inner.hint
    }

    /// Returns the message, and the hint if there is one, on one line.
    #[must_use]
    pub fn to_line(&self) -> String {
        match self.inner.hint {
            Some(hint) => format!("{}; {hint}", self.inner.message),
            None => self.inner.message.clone().into_owned(),
        }
    }

    /// Returns the part of the message that states the cause, without the host, such as `connection refused`. Returns
    /// `None` if the message states no cause.
    pub fn cause(&self) -> Option<&str> {
        self.inner.cause.as_deref()
    }

    /// Returns the status of the last response, if the last attempt received one.
    pub fn status(&self) -> Option<StatusCode> {
        self.inner.status
    }

    /// Returns the redacted texts of the error response, if the last attempt received one that contains texts.
    pub fn problem(&self) -> Option<&Problem> {
        self.inner.problem.as_ref()
    }

    /// Returns the stage that timed out, if the kind is [`Timeout`](TransportErrorKind::Timeout) and the stage is
    /// known.
    pub fn timeout_stage(&self) -> Option<TimeoutStage> {
        self.inner.stage
    }

    /// Returns the records of all attempts of the call, in order. There are none if the error occurred before the first
    /// attempt.
    pub fn attempts(&self) -> &[Attempt] {
        &self.inner.attempts
    }

    /// Returns the time to wait before another request, if the server or a rate limit requires a wait. The time starts
    /// at the last response. A wait that the server requires is limited to one day.
    pub fn retry_after(&self) -> Option<Duration> {
        self.inner.retry_after
    }

    /// Returns whether the error of the previous attempt is more informative. This is the case if this error is a rate
    /// limit of the client, or if it is a timeout of the whole call and the previous error names the slow stage.
    pub(crate) fn is_less_informative_than(&self, last: &Self) -> bool {
        let is_ours =
            self.inner.kind == TransportErrorKind::RateLimited && self.inner.status.is_none();
        let is_late = self.inner.kind == TransportErrorKind::Timeout
            && matches!(self.inner.stage, None | Some(TimeoutStage::Total));
        is_ours || (is_late && last.inner.kind == TransportErrorKind::Timeout)
    }

    /// Raises `retry_after` to that of another error.
    pub(crate) fn with_wait_of(mut self, other: &Self) -> Self {
        self.inner.retry_after = self.inner.retry_after.max(other.inner.retry_after);
        self
    }

    pub(crate) fn is_permanent(&self) -> bool {
        self.inner.permanent
    }

    /// Returns whether it is certain that no byte of the request was sent, in any attempt.
    pub fn is_certainly_unsent(&self) -> bool {
        self.inner.unsent
    }
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.inner.message)
    }
}

// Implemented by hand, because the `Debug` of another source may print what its `Display` omits.
impl fmt::Debug for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TransportError")
            .field("kind", &self.inner.kind)
            .field("message", &self.inner.message)
            .field("hint", &self.inner.hint)
            .field("unsent", &self.inner.unsent)
            .field("stage", &self.inner.stage)
            .field("status", &self.inner.status)
            .field("problem", &self.inner.problem)
            .field("retry_after", &self.inner.retry_after)
            .field("attempts", &self.inner.attempts)
            .field(
                "source",
                &self.inner.source.as_ref().map(ToString::to_string),
            )
            .finish()
    }
}

/// A duration in human-readable form.
struct HumanDuration(Duration);

impl fmt::Display for HumanDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.subsec_millis() == 0 {
            write!(f, "{} s", self.0.as_secs())
        } else if self.0.as_secs() == 0 {
            write!(f, "{} ms", self.0.as_millis())
        } else {
            write!(f, "{:.1} s", self.0.as_secs_f64())
        }
    }
}

impl Error for TransportError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.inner
            .source
            .as_ref()
            .map(|source| &**source as &(dyn Error + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_one_pointer() {
        assert_eq!(size_of::<Result<(), TransportError>>(), size_of::<usize>());
    }

    #[test]
    fn messages() {
        let answered = |status| {
            TransportError::answered("h", StatusCode::from_u16(status).unwrap(), None, None)
        };
        let all = [
            TransportError::unreachable("127.0.0.1:4821", "connection refused"),
            TransportError::tls("h", "bad certificate"),
            TransportError::proxy("p:1", "h", "requires credentials", true),
            TransportError::timeout("h", TimeoutStage::Connect, Duration::from_secs(10)),
            TransportError::timeout("h", TimeoutStage::FirstByte, Duration::from_millis(1_500)),
            TransportError::timeout("h", TimeoutStage::IdleRead, Duration::from_millis(50)),
            TransportError::timeout("h", TimeoutStage::Total, Duration::from_secs(30)),
            TransportError::limited("h", Duration::from_secs(3)),
            TransportError::interrupted("h"),
            TransportError::invalid_response("h", "is malformed"),
            TransportError::invalid_request("the URL has no host"),
            TransportError::no_credential("no key stored"),
            TransportError::insecure("example.com"),
            TransportError::deadline_before_sending(),
            answered(302),
            answered(401),
            answered(403),
            answered(404),
            answered(409),
            answered(418),
            answered(429),
            answered(503),
            answered(599),
        ];
        let text: Vec<String> = all
            .iter()
            .map(|error| format!("{:?}: {error}", error.kind()))
            .collect();
        insta::assert_snapshot!(text.join("\n"), @r"
        Unreachable: cannot connect to 127.0.0.1:4821: connection refused
        Tls: cannot set up TLS with h: bad certificate
        Proxy: cannot connect to h: the proxy p:1 requires credentials
        Timeout: cannot connect to h: no connection within 10 s
        Timeout: connected to h, but received no response within 1.5 s
        Timeout: the response from h stopped for 50 ms before it was complete
        Timeout: no complete response from h within 30 s
        RateLimited: too many requests to h from this program
        Interrupted: the connection to h was lost before the response was complete
        InvalidResponse: the response from h is malformed
        InvalidRequest: the URL has no host
        Unauthenticated: no usable API key for this request
        Insecure: refused plain HTTP to example.com: only loopback addresses are allowed without TLS
        Timeout: the deadline passed before the request was sent
        Rejected: h responded with 302 Found
        Unauthenticated: h responded with 401 Unauthorized
        PermissionDenied: h responded with 403 Forbidden
        NotFound: h responded with 404 Not Found
        Conflict: h responded with 409 Conflict
        Rejected: h responded with 418 I'm a teapot
        RateLimited: h responded with 429 Too Many Requests
        Unavailable: h responded with 503 Service Unavailable
        Unavailable: h responded with 599
        ");
    }
}
