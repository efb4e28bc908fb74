//! The clock of the server.

#[cfg(test)]
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Instant;

use jiff::{SignedDuration, Timestamp};

/// The system clock and a monotonic clock that started with the same time.
///
/// The monotonic clock keeps an expired key expired when the system clock is set back. It does not follow the system
/// clock forward, so a system clock that is temporarily wrong expires keys only temporarily.
pub(crate) struct Clock {
    started: Timestamp,
    since: Instant,
    #[cfg(test)]
    fixed: Fixed,
}

/// The times that a test has set, in milliseconds since 1970; 0 means the real time.
#[cfg(test)]
#[derive(Default)]
struct Fixed {
    system: AtomicI64,
    running: AtomicI64,
}

impl Default for Clock {
    fn default() -> Self {
        Self {
            started: Timestamp::now(),
            since: Instant::now(),
            #[cfg(test)]
            fixed: Fixed::default(),
        }
    }
}

impl Clock {
    /// Returns the system time, for values that are stored and returned.
    #[cfg_attr(not(test), expect(clippy::unused_self, reason = "tests set the time"))]
    pub(crate) fn now(&self) -> Timestamp {
        #[cfg(test)]
        if let Some(fixed) = Fixed::time(&self.fixed.system) {
            return fixed;
        }
        Timestamp::now()
    }

    /// Returns the time for decisions about keys: the later of both clocks, so that it never goes back.
    pub(crate) fn key_time(&self) -> Timestamp {
        self.now().max(self.running())
    }

    /// Returns the time that both clocks have reached, for changes that cannot be undone.
    pub(crate) fn certain(&self) -> Timestamp {
        self.now().min(self.running())
    }

    /// Returns the time of the monotonic clock, which may stop while the machine sleeps.
    fn running(&self) -> Timestamp {
        #[cfg(test)]
        if let Some(fixed) = Fixed::time(&self.fixed.running) {
            return fixed;
        }
        let elapsed = SignedDuration::try_from(self.since.elapsed());
        let now = elapsed.map(|elapsed| self.started.saturating_add(elapsed));
        now.ok().and_then(Result::ok).unwrap_or(self.started)
    }

    /// Sets both clocks, in milliseconds since 1970.
    #[cfg(test)]
    pub(crate) fn set(&self, millis: i64) {
        self.fixed.running.store(millis, Ordering::SeqCst);
        self.set_system(millis);
    }

    /// Sets the system clock alone, as an administrator can, in milliseconds since 1970.
    #[cfg(test)]
    pub(crate) fn set_system(&self, millis: i64) {
        self.fixed.system.store(millis, Ordering::SeqCst);
    }
}

#[cfg(test)]
impl Fixed {
    fn time(millis: &AtomicI64) -> Option<Timestamp> {
        let millis = millis.load(Ordering::SeqCst);
        (millis != 0).then(|| Timestamp::from_millisecond(millis).unwrap())
    }
}
