//! The one error of this crate.
//!
//! Its text is made here, from the host, the status and fixed words. The server's own text is kept apart in
//! [`Problem`], redacted, and no URL, header or body is ever part of a message.

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

/// A call that ended without a success status.
pub struct TransportError {
    inner: Box<Inner>,
}

struct Inner {
    kind: TransportErrorKind,
    message: Cow<'static, str>,
    hint: Option<&'static str>,
    /// What went wrong, without the host.
    cause: Option<String>,
    unsent: bool,
    /// Nothing will be different next time, although nothing was sent.
    permanent: bool,
    stage: Option<TimeoutStage>,
    status: Option<StatusCode>,
    problem: Option<Problem>,
    retry_after: Option<Duration>,
    attempts: Vec<Attempt>,
    source: Option<Source>,
}

impl TransportError {
    /// Says that no connection to `host` came about, so that nothing was sent; `why` completes
    /// "cannot connect to `host`: ".
    pub fn unreachable(host: &str, why: impl fmt::Display) -> Self {
        Self::new(
            TransportErrorKind::Unreachable,
            format!("cannot connect to {host}: {why}"),
        )
        .with_cause(&why)
        .unsent()
    }

    /// Says that `proxy` did not connect us to `host`, so that nothing was sent; `why` completes "the proxy `proxy` ".
    /// If the cause is `permanent`, such as missing credentials, it is not tried again.
    pub fn proxy(proxy: &str, host: &str, why: impl fmt::Display, permanent: bool) -> Self {
        let message = format!("cannot connect to {host}: the proxy {proxy} {why}");
        let mut error = Self::new(TransportErrorKind::Proxy, message)
            .with_cause(&why)
            .unsent();
        error.inner.permanent = permanent;
        error
    }

    /// Says that the peer `host` proved no identity we trust, so that nothing was sent; `why` completes "cannot set up
    /// TLS with `host`: ".
    pub fn tls(host: &str, why: impl fmt::Display) -> Self {
        Self::new(
            TransportErrorKind::Tls,
            format!("cannot set up TLS with {host}: {why}"),
        )
        .with_cause(&why)
        .unsent()
    }

    /// Says that `host` was too slow: `stage` took longer than `after`. Only a stage of
    /// [`Connect`](TimeoutStage::Connect) is certain to have sent nothing.
    pub fn timeout(host: &str, stage: TimeoutStage, after: Duration) -> Self {
        let after = HumanDuration(after);
        let (message, cause) = match stage {
            TimeoutStage::Connect => (
                format!("cannot connect to {host}: no connection within {after}"),
                format!("no connection within {after}"),
            ),
            TimeoutStage::FirstByte => (
                format!("{host} was connected but began no answer within {after}"),
                format!("no answer within {after}"),
            ),
            TimeoutStage::IdleRead => (
                format!("{host} began an answer and then sent nothing for {after}"),
                format!("nothing for {after} in the middle of an answer"),
            ),
            TimeoutStage::Total => (
                format!("no whole answer from {host} within {after}"),
                format!("no whole answer within {after}"),
            ),
        };
        let mut error = Self::new(TransportErrorKind::Timeout, message).with_cause(&cause);
        error.inner.stage = Some(stage);
        error.inner.unsent = stage == TimeoutStage::Connect;
        error
    }

    /// Says that the connection to `host` broke; the request may have been sent.
    pub fn interrupted(host: &str) -> Self {
        Self::new(
            TransportErrorKind::Interrupted,
            format!("the connection to {host} broke before the answer was whole"),
        )
    }

    /// Says that the answer of `host` cannot be used; `why` completes "the answer of `host` ".
    pub fn invalid_response(host: &str, why: impl fmt::Display) -> Self {
        Self::new(
            TransportErrorKind::InvalidResponse,
            format!("the answer of {host} {why}"),
        )
    }

    /// Says that the request cannot be sent as it is; `message` must hold no secret.
    pub fn invalid_request(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(TransportErrorKind::InvalidRequest, message).unsent()
    }

    /// Says that there is no key for this request: an [`Authorizer`](crate::Authorizer) answers this.
    ///
    /// `source` says why, and reaches users through [`Error::source`].
    pub fn no_credential(source: impl Into<Source>) -> Self {
        let error = Self::new(
            TransportErrorKind::Unauthenticated,
            "no usable API key for this request",
        );
        error.unsent().with_source(source)
    }

    /// Says that no certificate to trust could be read.
    #[cfg(feature = "reqwest")]
    pub(crate) fn invalid_trust(why: &str) -> Self {
        let message = format!("the file of certificates to trust cannot be used: {why}");
        Self::new(TransportErrorKind::Tls, message).unsent()
    }

    /// Says anything else; such an error is never retried. `message` must hold no secret.
    pub fn other(message: impl Into<Cow<'static, str>>, source: impl Into<Source>) -> Self {
        Self::new(TransportErrorKind::Other, message).with_source(source)
    }

    /// Says that a limit known here leaves no room for the request before `wait` has passed.
    pub(crate) fn limited(host: &str, wait: Duration) -> Self {
        let message = format!("too many requests to {host} from this program");
        let mut error = Self::new(TransportErrorKind::RateLimited, message).unsent();
        error.inner.retry_after = Some(wait);
        error
    }

    pub(crate) fn insecure(host: &str) -> Self {
        let message =
            format!("refusing plain http to {host}: only this machine is reached without TLS");
        Self::new(TransportErrorKind::Insecure, message).unsent()
    }

    /// Says what an answer without a success status means.
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
        // The reason is the standard one of the status, never the text the server sent.
        let message = match status.canonical_reason() {
            Some(reason) => format!("{host} answered {} {reason}", status.as_u16()),
            None => format!("{host} answered {}", status.as_u16()),
        };
        let mut error = Self::new(kind, message);
        error.inner.status = Some(status);
        error.inner.problem = problem;
        error.inner.retry_after = retry_after;
        error
    }

    /// Says that the call's deadline had passed before anything was sent.
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

    /// Sets what people can do about it: an imperative without a full stop.
    #[must_use]
    pub fn with_hint(mut self, hint: &'static str) -> Self {
        self.inner.hint = Some(hint);
        self
    }

    /// Sets what [`cause`](Self::cause) returns.
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
        // What the last attempt did not send, an earlier one may have.
        self.inner.unsent &= attempts.iter().all(Attempt::is_certainly_unsent);
        self.inner.attempts = attempts;
        self
    }

    /// Returns what a caller can do about it.
    pub fn kind(&self) -> TransportErrorKind {
        self.inner.kind
    }

    /// Returns what failed; the same as `Display`.
    pub fn message(&self) -> &str {
        &self.inner.message
    }

    /// Returns what to do about it, if that is not plain from the message.
    pub fn hint(&self) -> Option<&'static str> {
        self.inner.hint
    }

    /// Returns message and hint as one line, for where only a line fits.
    #[must_use]
    pub fn to_line(&self) -> String {
        match self.inner.hint {
            Some(hint) => format!("{}; {hint}", self.inner.message),
            None => self.inner.message.clone().into_owned(),
        }
    }

    /// Returns why there is no connection or no answer, without the name of the host, such as `connection refused`; `None`
    /// if the message says nothing more.
    pub fn cause(&self) -> Option<&str> {
        self.inner.cause.as_deref()
    }

    /// Returns the status of the last answer, if the last attempt got one.
    pub fn status(&self) -> Option<StatusCode> {
        self.inner.status
    }

    /// Returns what the server said about it, redacted.
    pub fn problem(&self) -> Option<&Problem> {
        self.inner.problem.as_ref()
    }

    /// Returns what took too long, if the kind is [`Timeout`](TransportErrorKind::Timeout) and it is known.
    pub fn timeout_stage(&self) -> Option<TimeoutStage> {
        self.inner.stage
    }

    /// Returns all attempts of the call, in order; empty when nothing was sent.
    pub fn attempts(&self) -> &[Attempt] {
        &self.inner.attempts
    }

    /// Returns how long to wait before the request has a chance, counted from the last answer: the server asked
    /// for it, of which at most a day is believed, or a limit known here does.
    pub fn retry_after(&self) -> Option<Duration> {
        self.inner.retry_after
    }

    /// Tells whether the error of the attempt before says more: this one ended by a limit of ours, or by the time of the
    /// call where the other knows what was slow.
    pub(crate) fn is_less_informative_than(&self, last: &Self) -> bool {
        let is_ours =
            self.inner.kind == TransportErrorKind::RateLimited && self.inner.status.is_none();
        let is_late = self.inner.kind == TransportErrorKind::Timeout
            && matches!(self.inner.stage, None | Some(TimeoutStage::Total));
        is_ours || (is_late && last.inner.kind == TransportErrorKind::Timeout)
    }

    /// Takes over a longer wait.
    pub(crate) fn with_wait_of(mut self, other: &Self) -> Self {
        self.inner.retry_after = self.inner.retry_after.max(other.inner.retry_after);
        self
    }

    pub(crate) fn is_permanent(&self) -> bool {
        self.inner.permanent
    }

    /// Returns whether no byte of the request can have left, in any attempt.
    pub fn is_certainly_unsent(&self) -> bool {
        self.inner.unsent
    }
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.inner.message)
    }
}

// By hand: the `Debug` of a foreign source may print what its `Display` does not.
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

/// A duration as people write it.
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
            TransportError::proxy("p:1", "h", "asks for credentials", true),
            TransportError::timeout("h", TimeoutStage::Connect, Duration::from_secs(10)),
            TransportError::timeout("h", TimeoutStage::FirstByte, Duration::from_millis(1_500)),
            TransportError::timeout("h", TimeoutStage::IdleRead, Duration::from_millis(50)),
            TransportError::timeout("h", TimeoutStage::Total, Duration::from_secs(30)),
            TransportError::limited("h", Duration::from_secs(3)),
            TransportError::interrupted("h"),
            TransportError::invalid_response("h", "is malformed"),
            TransportError::invalid_request("the URI has no host"),
            TransportError::no_credential("none stored"),
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
        Proxy: cannot connect to h: the proxy p:1 asks for credentials
        Timeout: cannot connect to h: no connection within 10 s
        Timeout: h was connected but began no answer within 1.5 s
        Timeout: h began an answer and then sent nothing for 50 ms
        Timeout: no whole answer from h within 30 s
        RateLimited: too many requests to h from this program
        Interrupted: the connection to h broke before the answer was whole
        InvalidResponse: the answer of h is malformed
        InvalidRequest: the URI has no host
        Unauthenticated: no usable API key for this request
        Insecure: refusing plain http to example.com: only this machine is reached without TLS
        Timeout: the deadline passed before the request was sent
        Rejected: h answered 302 Found
        Unauthenticated: h answered 401 Unauthorized
        PermissionDenied: h answered 403 Forbidden
        NotFound: h answered 404 Not Found
        Conflict: h answered 409 Conflict
        Rejected: h answered 418 I'm a teapot
        RateLimited: h answered 429 Too Many Requests
        Unavailable: h answered 503 Service Unavailable
        Unavailable: h answered 599
        ");
    }
}
