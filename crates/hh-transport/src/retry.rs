//! Defines the retry policy. The decision table is in [`classify`], and the loop is in [`crate::exchange`].

pub(crate) mod backoff;
pub(crate) mod budget;
pub(crate) mod classify;
pub(crate) mod retry_after;
pub(crate) use std::time::Duration;

/// The policy for retries: their conditions, number and delays.
///
/// | outcome | Safe | Keyed | Unsafe | Otlp |
/// |---|---|---|---|---|
/// | not sent (DNS, connect, proxy, interrupted TLS handshake) | retry | retry | retry | retry |
/// | rejected by the client or by TLS of the peer, untrusted certificate, proxy requires credentials, no key | fatal | fatal | fatal | fatal |
/// | connection lost or timeout after bytes may have left | retry | retry | fatal | retry |
/// | 429 | retry | retry | retry | retry |
/// | 408, 425, 500 | retry | retry | fatal | fatal |
/// | 502, 503, 504 | retry | retry | fatal | retry |
/// | any other status, an unusable response | fatal | fatal | fatal | fatal |
///
/// `retry` waits for the time in `Retry-After`, or otherwise for a random time up to a bound that doubles with every
/// attempt. A keyed request has the same idempotency key in every attempt. In addition, any request is sent once more
/// after a rejected key was renewed, and without compression after the server responded with 415 to a compressed body.
///
/// The last error is returned when no attempts are left, when the required waits exceed
/// [`with_max_wait`](Self::with_max_wait) in total, when the call would time out before the delay ends, or when the
/// retry budget, which all clones of a transport share, is empty. The budget allows ten retries, and one more for every
/// ten successful calls; a successful retry costs nothing. A wait that the server requires does not count toward the
/// timeout of the call.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct RetryPolicy {
    pub(crate) max_attempts: u32,
    pub(crate) base: Duration,
    pub(crate) cap: Duration,
    pub(crate) max_wait: Duration,
}

impl RetryPolicy {
    /// Creates the default policy: 4 attempts, delays of up to 1 s, 2 s, 4 s and so on, at most 30 s, and waits of at
    /// most 60 s.
    pub const fn new() -> Self {
        Self {
            max_attempts: 4,
            base: Duration::from_secs(1),
            cap: Duration::from_secs(30),
            max_wait: Duration::from_mins(1),
        }
    }

    /// Sets the number of attempts, including the first; 0 counts as 1. A renewed key allows one more attempt.
    pub const fn with_max_attempts(mut self, attempts: u32) -> Self {
        self.max_attempts = attempts;
        self
    }

    /// Sets the bound of the first delay, which doubles with every attempt up to `cap`.
    pub const fn with_backoff(mut self, base: Duration, cap: Duration) -> Self {
        self.base = base;
        self.cap = cap;
        self
    }

    /// Sets the limit of the total time that one call waits because of `Retry-After` or a rate limit. A longer wait is
    /// an error that contains the time.
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
