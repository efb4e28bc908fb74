//! The decision table.

use crate::error::{TransportError, TransportErrorKind};
use crate::idempotency::Idempotency;

/// How an attempt ended, as far as repeating it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    NotSent,
    Permanent,
    Lost,
    RateLimited,
    Broken,
    Unavailable,
    Responded,
}

/// What to do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    /// Send again, after what `Retry-After` says, or after a random delay if it says nothing.
    Retry,
    /// Give up.
    Fatal,
}

pub(crate) struct Row {
    pub(crate) outcome: Outcome,
    /// For `Safe`, `Keyed`, `Unsafe` and `Otlp`.
    pub(crate) decisions: [Decision; 4],
}

use Decision::{Fatal, Retry};

/// The only place that says what is repeated; the docs of [`RetryPolicy`](crate::RetryPolicy) show it and a test compares them.
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
        return match status.as_u16() {
            429 => Outcome::RateLimited,
            408 | 425 | 500 => Outcome::Broken,
            502..=504 => Outcome::Unavailable,
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
        // Without a status these come from no answer, so that nothing is known that would allow a repetition.
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
