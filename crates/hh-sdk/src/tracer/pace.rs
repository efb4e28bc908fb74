//! The size of batches and the delay between retries.

use std::time::{Duration, Instant};

/// The limit of the delay between retries; a longer `retry_delay` takes precedence.
const MAX_DELAY: Duration = Duration::from_secs(30);

/// The number of failures after which a record that is sent alone is dropped, so that others can follow.
///
/// The failures must also last for [`MIN_TIME_ALONE`].
const MAX_TRIES_ALONE: u32 = 10;

/// The minimum time between the first and the last failure of a record before it is dropped.
///
/// Frequent flushes cause many attempts within milliseconds, and a short outage must not lose a record.
const MIN_TIME_ALONE: Duration = if cfg!(test) {
    Duration::from_millis(20)
} else {
    Duration::from_mins(2)
};

/// The limit of the wait that a server can request, so that one response does not stop the export for hours.
pub(super) const MAX_ASKED: Duration = Duration::from_mins(5);

/// A pause of the export.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pause {
    /// The time when the pause ends.
    pub(super) until: Instant,
    /// Whether the server requested the pause; a flush does not end such a pause.
    pub(super) is_asked: bool,
}

impl Pause {
    /// Returns the pause after a failure: `delay`, or the wait that the server requested if that is longer.
    pub(super) fn after(now: Instant, delay: Duration, asked: Option<Duration>) -> Self {
        let wait = asked.map_or(delay, |asked| asked.min(MAX_ASKED).max(delay));
        Self {
            until: now + wait,
            is_asked: asked.is_some(),
        }
    }
}

/// The size of batches and the delay between them.
#[derive(Debug)]
pub(super) struct Pace {
    /// The size of a full batch.
    batch_size: usize,
    /// The size of the next batch.
    limit: usize,
    /// The limit of the first delay.
    first_delay: Duration,
    /// The number of consecutive failures.
    failures: u32,
    /// The record that failed alone.
    alone: Option<FailingJob>,
}

/// A record that fails when it is sent alone.
#[derive(Debug)]
struct FailingJob {
    /// The number of the record in the queue.
    number: u64,
    /// The number of failures.
    tries: u32,
    /// The time of the first failure.
    since: Instant,
}

impl Pace {
    /// Creates a pace without failures.
    pub(super) fn new(batch_size: usize, first_delay: Duration) -> Self {
        Self {
            batch_size,
            limit: batch_size,
            first_delay,
            failures: 0,
            alone: None,
        }
    }

    /// Returns the limit of spans in the next request.
    pub(super) fn limit(&self) -> usize {
        self.limit
    }

    /// Ends a series of failures. Batches grow by only an eighth of the full size, so that a size that fails is rarely
    /// retried.
    pub(super) fn succeed(&mut self) {
        self.failures = 0;
        self.alone = None;
        let more = self.limit.saturating_add(self.batch_size.div_ceil(8));
        self.limit = more.min(self.batch_size);
    }

    /// Limits the next request to half of `count` spans.
    pub(super) fn halve(&mut self, count: usize) {
        self.limit = (count / 2).max(1);
    }

    /// Counts a failure of the record with this number, which was sent alone; returns whether to drop it.
    pub(super) fn should_give_up(&mut self, number: u64, now: Instant) -> bool {
        let (tries, since) = match &self.alone {
            Some(alone) if alone.number == number => (alone.tries.saturating_add(1), alone.since),
            Some(_) | None => (1, now),
        };
        self.alone = Some(FailingJob {
            number,
            tries,
            since,
        });
        tries >= MAX_TRIES_ALONE && now.duration_since(since) >= MIN_TIME_ALONE
    }

    /// Returns a random delay before the next retry, between half and all of a bound that doubles with each failure.
    pub(super) fn delay(&mut self, random: u64) -> Duration {
        let doubled = 2_u32.saturating_pow(self.failures.min(16));
        self.failures = self.failures.saturating_add(1);
        let bound = self.first_delay.saturating_mul(doubled);
        let half = bound.min(MAX_DELAY.max(self.first_delay)) / 2;
        let share = u32::try_from(random >> 32).unwrap_or(u32::MAX);
        half + half.mul_f64(f64::from(share) / f64::from(u32::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_a_limit_and_are_random() {
        let halves = |random| {
            let mut pace = Pace::new(100, Duration::from_secs(1));
            [0; 8].map(|_| pace.delay(random).as_millis() / 500)
        };
        assert_eq!(halves(0), [1, 2, 4, 8, 16, 30, 30, 30]);
        assert_eq!(halves(u64::MAX), [2, 4, 8, 16, 32, 60, 60, 60]);
        let mut slow = Pace::new(100, Duration::from_mins(1));
        for _ in 0..100 {
            assert_eq!(slow.delay(u64::MAX), Duration::from_mins(1));
        }
        slow.succeed();
        assert_eq!(slow.failures, 0);
    }

    #[test]
    fn a_batch_shrinks_to_the_one_that_fails_and_grows_again() {
        let mut pace = Pace::new(100, Duration::from_secs(1));
        let mut limits = Vec::new();
        while pace.limit() > 1 {
            pace.halve(pace.limit());
            limits.push(pace.limit());
        }
        assert_eq!(limits, [50, 25, 12, 6, 3, 1]);
        let start = Instant::now();
        let end = start + MIN_TIME_ALONE;
        assert!(!pace.should_give_up(7, start));
        let tries = (2..=10).map(|_| pace.should_give_up(7, end));
        assert_eq!(
            tries
                .collect::<Vec<_>>()
                .iter()
                .position(|hopeless| *hopeless),
            Some(8)
        );
        assert!(
            !pace.should_give_up(8, end),
            "the count of another record starts from zero"
        );
        for _ in 0..8 {
            pace.succeed();
        }
        assert_eq!(pace.limit(), 100);
    }

    #[test]
    fn many_attempts_in_a_short_time_do_not_give_up_a_job() {
        let mut pace = Pace::new(100, Duration::from_secs(1));
        let start = Instant::now();
        let end = start + MIN_TIME_ALONE;
        for _ in 0..1_000 {
            assert!(!pace.should_give_up(7, end.checked_sub(Duration::from_millis(1)).unwrap()));
        }
        assert!(!pace.should_give_up(8, start));
        for _ in 0..1_000 {
            assert!(!pace.should_give_up(8, end.checked_sub(Duration::from_millis(1)).unwrap()));
        }
        assert!(pace.should_give_up(8, end));
    }

    #[test]
    fn a_server_can_ask_for_a_wait_of_five_minutes_at_most() {
        let now = Instant::now();
        let second = Duration::from_secs(1);
        let wait = |asked| Pause::after(now, second, asked).until - now;
        assert_eq!(wait(None), second);
        assert_eq!(wait(Some(Duration::ZERO)), second);
        assert_eq!(
            wait(Some(Duration::from_secs(100))),
            Duration::from_secs(100)
        );
        assert_eq!(wait(Some(Duration::from_hours(24))), Duration::from_mins(5));
        let slow = Duration::from_mins(10);
        assert_eq!(Pause::after(now, slow, Some(second)).until - now, slow);
    }
}
