//! The time of decisions.

use jiff::Timestamp;

/// The system's clock; tests move theirs.
#[derive(Default)]
pub(crate) struct Clock {
    #[cfg(test)]
    fixed: std::sync::atomic::AtomicI64,
}

impl Clock {
    #[cfg(not(test))]
    #[expect(clippy::unused_self, reason = "tests have a clock of their own")]
    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    /// Returns the time that a test set, if it did.
    #[cfg(test)]
    pub(crate) fn now(&self) -> Timestamp {
        match self.fixed.load(std::sync::atomic::Ordering::SeqCst) {
            0 => Timestamp::now(),
            millis => Timestamp::from_millisecond(millis).unwrap(),
        }
    }

    #[cfg(test)]
    pub(crate) fn set(&self, millis: i64) {
        self.fixed
            .store(millis, std::sync::atomic::Ordering::SeqCst);
    }
}
