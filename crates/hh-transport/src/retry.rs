//! When a request is sent again: the policy as data, its table in [`classify`], the loop in [`crate::exchange`].

pub(crate) mod backoff;
pub(crate) mod budget;
pub(crate) mod classify;
pub(crate) mod retry_after;
pub(crate) use std::time::Duration;

/// When, how often and how soon a request is sent again.
///
/// | outcome | Safe | Keyed | Unsafe | Otlp |
/// |---|---|---|---|---|
/// | not sent (DNS, connect, proxy, TLS handshake cut off) | retry | retry | retry | retry |
/// | refused here or by the peer's TLS, certificate not trusted, proxy wants credentials, no key | fatal | fatal | fatal | fatal |
/// | connection lost or timeout after bytes may have left | retry | retry | fatal | retry |
/// | 429 | retry | retry | retry | retry |
/// | 408, 425, 500 | retry | retry | fatal | fatal |
/// | 502, 503, 504 | retry | retry | fatal | retry |
/// | any other status, an unusable answer | fatal | fatal | fatal | fatal |
///
/// `retry` waits what `Retry-After` says, and without it a random time up to a bound that doubles from attempt to
/// attempt. A keyed request carries the same key every time. Besides, a request is sent once more, whatever it is, when
/// a rejected key has been renewed, or without compression when the server answers 415 to a compressed body.
///
/// The last error is returned when the attempts are spent, when the waits asked for pass
/// [`with_max_wait`](Self::with_max_wait) in all, when the time of the call would be over before the delay ends, or when
/// the budget shared by all clones of a transport is empty: ten repetitions, and one more for every ten calls that
/// succeed; a repetition that succeeds costs nothing. A wait that the server asks for is not counted as time of the call.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct RetryPolicy {
    pub(crate) max_attempts: u32,
    pub(crate) base: Duration,
    pub(crate) cap: Duration,
    pub(crate) max_wait: Duration,
}

impl RetryPolicy {
    /// Makes the default: 4 attempts, delays of up to 1 s, 2 s, 4 s and so on but at most 30 s, and waits of at most 60 s.
    pub const fn new() -> Self {
        Self {
            max_attempts: 4,
            base: Duration::from_secs(1),
            cap: Duration::from_secs(30),
            max_wait: Duration::from_mins(1),
        }
    }

    /// Sets the number of attempts, the first included; 0 counts as 1. One more is made for a key that was renewed.
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

    /// Sets how long one call waits in all because `Retry-After` or a limit of requests asks for it; a longer wait ends
    /// the call with an error that says when to come back.
    pub const fn with_max_wait(mut self, wait: Duration) -> Self {
        // No sum of times may overflow.
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
