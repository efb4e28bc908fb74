//! Injectable time and randomness, for tests.

use std::fmt::Debug;
use std::time::{Duration, Instant, SystemTime};

use crate::service::BoxFuture;

/// The time, the delays and the randomness that a [`Transport`](crate::Transport) uses.
///
/// A test can implement a clock whose time only advances on request.
pub trait Clock: Debug + Send + Sync + 'static {
    /// Returns the monotonic time for delays and deadlines.
    fn now(&self) -> Instant;

    /// Returns the time of day, which is only compared with dates in responses.
    fn time_of_day(&self) -> SystemTime;

    /// Waits for `delay`.
    fn sleep(&self, delay: Duration) -> BoxFuture<'static, ()>;

    /// Returns a uniformly distributed random number.
    fn random(&self) -> u64;
}

/// The real clock. Sleeping needs a tokio runtime with an enabled timer.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn time_of_day(&self) -> SystemTime {
        SystemTime::now()
    }

    fn sleep(&self, delay: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(delay))
    }

    fn random(&self) -> u64 {
        // Without randomness the full delay is the safe choice.
        getrandom::u64().unwrap_or(u64::MAX)
    }
}
