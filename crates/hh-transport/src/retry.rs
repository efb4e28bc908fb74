//! Defines the retry policy. The decision table is in [`classify`], and the loop is in [`crate::exchange`].

pub(crate) mod backoff;
pub(crate) mod budget;
pub(crate) mod classify;
pub(crate) mod retry_after;
pub(crate) use std::time::Duration;

/// The policy for retries: their conditions, number and delays.
///
/// The outcome of an attempt and the [`Idempotency`](crate::Idempotency) of the request decide whether there is a
/// retry:
///
/// | outcome | Safe | Keyed | Unsafe | Otlp |
/// |---|---|---|---|---|
/// | nothing was sent (DNS, connect, proxy, interrupted TLS handshake) | retry | retry | retry | retry |
/// | invalid request, TLS error, proxy without valid credentials, no key, rate limit of the client, other error of the client | fatal | fatal | fatal | fatal |
/// | connection lost or timeout after a part of the request may have been sent | retry | retry | fatal | retry |
/// | 429 | retry | retry | retry | retry |
/// | 408, 425, 500 | retry | retry | fatal | fatal |
/// | 502, 503, 504, 520 to 524, 529 | retry | retry | fatal | retry |
/// | any other status, 500 with the code `PARTIAL_FAILURE`, or an unusable response | fatal | fatal | fatal | fatal |
///
/// `fatal` returns the error. `retry` sends the request again after the time in the `Retry-After` header, or after a
/// random delay if there is no such header. The upper bound of the random delay doubles with every attempt. A `Keyed`
/// request has the same idempotency key in every attempt.
///
/// In addition, any request is sent once more after a rejected API key was renewed, and once more without compression
/// after the server has responded with 415 to a compressed body.
///
/// Instead of a retry, the error is returned in these cases:
///
/// - No attempts are left.
/// - The waits that the server or a rate limit requires exceed [`with_max_wait`](Self::with_max_wait) in total.
/// - The call would time out before the delay ends. Required waits do not count toward the time limit of the call.
/// - The retry budget is empty. All clones of a transport share the budget. It allows ten failed retries, and one more
///   for every ten successful calls. A successful retry costs nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct RetryPolicy {
    pub(crate) max_attempts: u32,
    pub(crate) base: Duration,
    pub(crate) cap: Duration,
    pub(crate) max_wait: Duration,
}

impl RetryPolicy {
    /// Creates the default policy: 4 attempts, random delays of up to 1 s, 2 s and 4 s between them, and at most 60 s
    /// of waits that the server or a rate limit requires. With more attempts, delays double up to 30 s.
    pub const fn new() -> Self {
        Self {
            max_attempts: 4,
            base: Duration::from_secs(1),
            cap: Duration::from_secs(30),
            max_wait: Duration::from_mins(1),
        }
    }

    /// Sets the maximum number of attempts, including the first; 0 counts as 1. The additional attempts after a renewed
    /// API key and after a rejected compression are not counted.
    pub const fn with_max_attempts(mut self, attempts: u32) -> Self {
        self.max_attempts = attempts;
        self
    }

    /// Sets the upper bounds of the random delays: `base` before the first retry, doubled with every attempt, and at
    /// most `cap`.
    pub const fn with_backoff(mut self, base: Duration, cap: Duration) -> Self {
        self.base = base;
        self.cap = cap;
        self
    }

    /// Sets the limit of the total time that one call waits because of `Retry-After` or a rate limit. If a longer wait
    /// is required, the call fails, and [`TransportError::retry_after`](crate::TransportError::retry_after) returns the
    /// wait.
    pub const fn with_max_wait(mut self, wait: Duration) -> Self {
        // The bound prevents an overflow of sums of times.
        let longest = Duration::from_hours(24 * 365);
        self.max_wait = if wait.as_secs() < longest.as_secs() {
            wait
        } else {
            longest
        };
        self
    }
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self::new()
    }
}
