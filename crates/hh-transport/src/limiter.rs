//! Rate limits: the limit of the caller, and the `RateLimit` fields of the server.

mod fields;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

pub(crate) use fields::exhausted_for;

/// A limiter that delays requests, shared by all clones of a transport.
///
/// The limit of the caller uses the generic cell rate algorithm (GCRA): a burst of as many calls as a window allows,
/// then one call per share of the window.
#[derive(Debug)]
pub(crate) struct Limiter {
    limit: Option<Limit>,
    state: Mutex<LimiterState>,
}

/// The number of calls that a window allows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limit {
    calls: u32,
    window: Duration,
}

#[derive(Debug, Default)]
struct LimiterState {
    /// The time at which the limit would be unused again. Each call adds its share.
    unused_at: Option<Instant>,
    /// The time until which the limit of the server is exhausted.
    exhausted_until: Option<Instant>,
}

impl Limit {
    /// Creates a limit of at least one call.
    pub(crate) fn new(calls: u32, window: Duration) -> Self {
        // The bound prevents an overflow of sums of times.
        let window = window.min(Duration::from_hours(24 * 365));
        let calls = calls.max(1);
        Self { calls, window }
    }

    fn share(self) -> Duration {
        self.window / self.calls
    }
}

impl Limiter {
    pub(crate) fn new(limit: Option<Limit>) -> Self {
        Self {
            limit,
            state: Mutex::default(),
        }
    }

    /// Reserves the next slot and returns how long to wait for it. If the wait exceeds `longest`, no slot is reserved
    /// and the wait is the error.
    pub(crate) fn reserve(&self, now: Instant, longest: Duration) -> Result<Duration, Duration> {
        let mut state = self.state();
        let exhausted = state.exhausted_until.filter(|until| *until > now);
        state.exhausted_until = exhausted;
        let start = exhausted.unwrap_or(now);
        let Some(limit) = self.limit else {
            return fits(start - now, longest);
        };
        let share = limit.share();
        let unused_at = state.unused_at.map_or(start, |at| at.max(start));
        // A burst may be ahead of the even rate by the window minus the share of this call.
        let ahead = limit.window.saturating_sub(share);
        let earliest = unused_at.checked_sub(ahead).unwrap_or(start).max(start);
        let wait = fits(earliest - now, longest)?;
        state.unused_at = Some(unused_at + share);
        Ok(wait)
    }

    /// Returns how long the limit of the server remains exhausted.
    pub(crate) fn held_for(&self, now: Instant) -> Duration {
        let until = self.state().exhausted_until;
        until.map_or(Duration::ZERO, |until| until.saturating_duration_since(now))
    }

    /// Delays all requests for a duration, because the server requires it.
    pub(crate) fn hold(&self, now: Instant, wait: Duration) {
        let Some(until) = now.checked_add(wait) else {
            return;
        };
        let mut state = self.state();
        state.exhausted_until = Some(state.exhausted_until.map_or(until, |old| old.max(until)));
    }

    fn state(&self) -> MutexGuard<'_, LimiterState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn fits(wait: Duration, longest: Duration) -> Result<Duration, Duration> {
    if wait > longest { Err(wait) } else { Ok(wait) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn limiter(calls: u32, window: Duration) -> Limiter {
        Limiter::new(Some(Limit::new(calls, window)))
    }

    #[test]
    fn a_burst_and_then_an_even_pace() {
        let (limiter, now) = (limiter(2, SECOND), Instant::now());
        let waits: Vec<u128> = (0..8)
            .map(|_| limiter.reserve(now, 60 * SECOND).unwrap().as_millis())
            .collect();
        assert_eq!(waits, [0, 0, 500, 1_000, 1_500, 2_000, 2_500, 3_000]);
        // After a pause the full burst is available again.
        let later = now + 60 * SECOND;
        let waits = [(); 3].map(|()| limiter.reserve(later, 60 * SECOND).unwrap().as_millis());
        assert_eq!(waits, [0, 0, 500]);
    }

    #[test]
    fn a_wait_that_is_too_long_uses_no_slot() {
        let (limiter, now) = (limiter(1, 10 * SECOND), Instant::now());
        assert_eq!(limiter.reserve(now, SECOND), Ok(Duration::ZERO));
        for _ in 0..3 {
            assert_eq!(limiter.reserve(now, SECOND), Err(10 * SECOND));
        }
        assert_eq!(limiter.reserve(now, 10 * SECOND), Ok(10 * SECOND));
    }

    #[test]
    fn a_server_hold_delays_every_call() {
        let now = Instant::now();
        for limiter in [Limiter::new(None), limiter(5, SECOND)] {
            limiter.hold(now, 3 * SECOND);
            limiter.hold(now, SECOND);
            assert_eq!(limiter.reserve(now, 9 * SECOND), Ok(3 * SECOND));
            assert_eq!(limiter.reserve(now + SECOND, SECOND), Err(2 * SECOND));
            assert_eq!(
                limiter.reserve(now + 3 * SECOND, SECOND),
                Ok(Duration::ZERO)
            );
        }
    }

    proptest! {
        /// In any interval, at most a burst and the rate of the limit are sent.
        #[test]
        fn never_more_than_the_limit(calls in 1_u32..20, millis in 100_u64..5_000, gaps in proptest::collection::vec(0_u64..900, 1..80)) {
            let window = Duration::from_millis(millis);
            let (limiter, start) = (limiter(calls, window), Instant::now());
            let mut now = start;
            let mut sent = Vec::new();
            for gap in gaps {
                now += Duration::from_millis(gap);
                sent.push(now + limiter.reserve(now, Duration::MAX).unwrap());
            }
            for (index, from) in sent.iter().enumerate() {
                for (count, to) in sent[index..].iter().enumerate() {
                    let span = to.saturating_duration_since(*from);
                    let allowed = f64::from(calls) * (1.0 + span.as_secs_f64() / window.as_secs_f64()) + 1e-6;
                    prop_assert!(f64::from(u32::try_from(count).unwrap() + 1) <= allowed);
                }
            }
        }
    }
}
