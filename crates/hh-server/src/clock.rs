//! The time of decisions.

#[cfg(test)]
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Instant;

use jiff::{SignedDuration, Timestamp};

/// The system's clock, and one that began with it when the server started and cannot be set.
///
/// The second one is what keeps a key ended when the system's clock is set back. It does not follow the system's clock
/// forward, so a clock that is wrong for a moment ends no key for longer than that.
pub(crate) struct Clock {
    started: Timestamp,
    since: Instant,
    #[cfg(test)]
    fixed: Fixed,
}

/// The milliseconds that a test set; 0 is the real time.
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
    /// Returns the system's time, for what is stored and shown.
    #[cfg_attr(
        not(test),
        expect(clippy::unused_self, reason = "tests have a clock of their own")
    )]
    pub(crate) fn now(&self) -> Timestamp {
        #[cfg(test)]
        if let Some(fixed) = Fixed::time(&self.fixed.system) {
            return fixed;
        }
        Timestamp::now()
    }

    /// Returns the time by which keys are judged: the later of both clocks, so it never goes back.
    pub(crate) fn key_time(&self) -> Timestamp {
        self.now().max(self.running())
    }

    /// Returns the time that has passed by both clocks, for what cannot be undone.
    pub(crate) fn certain(&self) -> Timestamp {
        self.now().min(self.running())
    }

    /// Returns the start and the time since then. While the machine sleeps this clock may stand still.
    fn running(&self) -> Timestamp {
        #[cfg(test)]
        if let Some(fixed) = Fixed::time(&self.fixed.running) {
            return fixed;
        }
        let elapsed = SignedDuration::try_from(self.since.elapsed());
        let now = elapsed.map(|elapsed| self.started.saturating_add(elapsed));
        now.ok().and_then(Result::ok).unwrap_or(self.started)
    }

    /// Sets both clocks.
    #[cfg(test)]
    pub(crate) fn set(&self, millis: i64) {
        self.fixed.running.store(millis, Ordering::SeqCst);
        self.set_system(millis);
    }

    /// Sets the system's clock, as an administrator may.
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
