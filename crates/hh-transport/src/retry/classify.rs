//! The decision table for retries.

use crate::error::{TransportError, TransportErrorKind};
use crate::idempotency::Idempotency;
use crate::problem::Problem;

/// The error code of a batch of which a server stored only a part. The rest would be rejected again.
const PARTIAL_FAILURE: &str = "PARTIAL_FAILURE";

/// The result of a failed attempt, in the categories that decide whether to retry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// No byte of the request was sent.
    NotSent,
    /// The cause does not change with a retry, such as an untrusted certificate.
    Permanent,
    /// The connection failed or timed out after bytes of the request may have been sent.
    Lost,
    /// The status is 429.
    RateLimited,
    /// The status is 408, 425 or 500.
    Broken,
    /// The status is 502, 503, 504, or one that a proxy such as Cloudflare returns if its server is overloaded or
    /// unreachable: 520 to 524, 529.
    Unavailable,
    /// The status is any other, a part of a batch was rejected, or the response is unusable.
    Responded,
}

/// The decision after a failed attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    /// Retry after the time in `Retry-After`, or after a random delay.
    Retry,
    /// Return the error.
    Fatal,
}

/// A row of the decision table.
pub(crate) struct Row {
    pub(crate) outcome: Outcome,
    /// The decisions for requests that are `Safe`, `Keyed`, `Unsafe` and `Otlp`, in this order (see [`Idempotency`]).
    pub(crate) decisions: [Decision; 4],
}

use Decision::{Fatal, Retry};

/// The decision table. The documentation of [`RetryPolicy`](crate::RetryPolicy) contains the same table, and a test
/// compares the two.
pub(crate) const TABLE: [Row; 7] = [
    Row {
        outcome: Outcome::NotSent,
        decisions: [Retry, Retry, Retry, Retry],
    },
    Row {
        outcome: Outcome::Permanent,
        decisions: [Fatal, Fatal, Fatal, Fatal],
    },
    Row {
        outcome: Outcome::Lost,
        decisions: [Retry, Retry, Fatal, Retry],
    },
    Row {
        outcome: Outcome::RateLimited,
        decisions: [Retry, Retry, Retry, Retry],
    },
    Row {
        outcome: Outcome::Broken,
        decisions: [Retry, Retry, Fatal, Fatal],
    },
    Row {
        outcome: Outcome::Unavailable,
        decisions: [Retry, Retry, Fatal, Retry],
    },
    Row {
        outcome: Outcome::Responded,
        decisions: [Fatal, Fatal, Fatal, Fatal],
    },
];

pub(crate) fn decide(outcome: Outcome, repeat: &Idempotency) -> Decision {
    let column = match repeat {
        Idempotency::Safe => 0,
        Idempotency::Keyed(_) => 1,
        Idempotency::Unsafe => 2,
        Idempotency::Otlp => 3,
    };
    TABLE
        .iter()
        .find(|row| row.outcome == outcome)
        .map_or(Fatal, |row| row.decisions[column])
}

pub(crate) fn classify(error: &TransportError) -> Outcome {
    if let Some(status) = error.status() {
        let code = error.problem().and_then(Problem::code);
        return match status.as_u16() {
            500 if code == Some(PARTIAL_FAILURE) => Outcome::Responded,
            429 => Outcome::RateLimited,
            408 | 425 | 500 => Outcome::Broken,
            502..=504 | 520..=524 | 529 => Outcome::Unavailable,
            _ => Outcome::Responded,
        };
    }
    match error.kind() {
        TransportErrorKind::Unreachable | TransportErrorKind::Timeout | TransportErrorKind::Interrupted => {
            if error.is_certainly_unsent() { Outcome::NotSent } else { Outcome::Lost }
        }
        TransportErrorKind::Proxy if !error.is_permanent() => Outcome::NotSent,
        TransportErrorKind::InvalidResponse => Outcome::Responded,
        TransportErrorKind::Insecure
        | TransportErrorKind::InvalidRequest
        | TransportErrorKind::Proxy
        | TransportErrorKind::Tls
        | TransportErrorKind::Unauthenticated
        | TransportErrorKind::Other
        // These kinds describe a status. An error without one does not come from a response and is not retried.
        | TransportErrorKind::PermissionDenied
        | TransportErrorKind::NotFound
        | TransportErrorKind::Conflict
        | TransportErrorKind::RateLimited
        | TransportErrorKind::Rejected
        | TransportErrorKind::Unavailable => Outcome::Permanent,
    }
}

#[cfg(test)]
mod tests;
