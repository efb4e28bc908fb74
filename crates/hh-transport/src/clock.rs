//! Time and chance, as a parameter, so that a test needs neither.

use std::fmt::Debug;
use std::time::{Duration, Instant, SystemTime};

use crate::service::BoxFuture;

/// What a [`Transport`](crate::Transport) needs of the world: the time, a way to wait, and randomness.
///
/// A test may give one whose time passes only when it says so.
pub trait Clock: Debug + Send + Sync + 'static {
    /// Returns the time that delays and deadlines are counted in; it never goes back.
    fn now(&self) -> Instant;

    /// Returns the time of day, which only dates in answers are compared with.
    fn time_of_day(&self) -> SystemTime;

    /// Waits.
    fn sleep(&self, delay: Duration) -> BoxFuture<'static, ()>;

    /// Returns a number of the whole range, each as likely as any other.
    fn random(&self) -> u64;
}

/// The real clock; sleeping needs a tokio runtime with its timer on.
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
        // Without randomness the whole delay is the careful choice.
        getrandom::u64().unwrap_or(u64::MAX)
    }
}
