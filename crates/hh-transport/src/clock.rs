//! Injectable time and randomness, for tests.

use std::fmt::Debug;
use std::time::{Duration, Instant, SystemTime};

use crate::service::BoxFuture;

/// The time, the delays and the randomness that a [`Transport`](crate::Transport) uses.
///
/// A test can implement a clock whose time advances only when the test advances it.
pub trait Clock: Debug + Send + Sync + 'static {
    /// Returns the monotonic time for delays and deadlines.
    fn now(&self) -> Instant;

    /// Returns the wall-clock time, which is only compared with dates in responses.
    fn time_of_day(&self) -> SystemTime;

    /// Returns a future that completes after `delay`.
    fn sleep(&self, delay: Duration) -> BoxFuture<'static, ()>;

    /// Returns a uniformly distributed random number.
    fn random(&self) -> u64;
}

/// The clock and the random number generator of the system. Its delays need a tokio runtime with an enabled timer.
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
