//! When the next request may go: the caller's own limit, and what the server's `RateLimit` fields say.

mod fields;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

pub(crate) use fields::exhausted_for;

/// Holds requests back, for all clones of a transport together.
///
/// The own limit is the generic cell rate algorithm (GCRA): a burst of as many calls as a window allows, then one
/// each time the window's share for it has passed.
#[derive(Debug)]
pub(crate) struct Limiter {
    limit: Option<Limit>,
    state: Mutex<LimiterState>,
}

/// Calls that a window allows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limit {
    calls: u32,
    window: Duration,
}

#[derive(Debug, Default)]
struct LimiterState {
    /// When the limit would be unused again: each call moves it on by its share.
    unused_at: Option<Instant>,
    /// Until when the server has nothing left for us.
    exhausted_until: Option<Instant>,
}

impl Limit {
    /// Makes a limit of at least one call.
    pub(crate) fn new(calls: u32, window: Duration) -> Self {
        // No sum of times may overflow.
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

    /// Takes the next place and returns how long to wait for it. If that is longer than `longest` no place is taken,
    /// and the error is the wait.
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
        // A burst may be ahead of the even pace by all of a window but the call's own share.
        let ahead = limit.window.saturating_sub(share);
        let earliest = unused_at.checked_sub(ahead).unwrap_or(start).max(start);
        let wait = fits(earliest - now, longest)?;
        state.unused_at = Some(unused_at + share);
        Ok(wait)
    }

    /// Returns how long the server still has nothing left for us.
    pub(crate) fn held_for(&self, now: Instant) -> Duration {
        let until = self.state().exhausted_until;
        until.map_or(Duration::ZERO, |until| until.saturating_duration_since(now))
    }

    /// Holds all requests back for a while, because the server said so.
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
        // After a pause the burst is there again.
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
        /// Over any time from the start, no more calls go than a burst and the pace allow.
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
