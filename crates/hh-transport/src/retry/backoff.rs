//! The delay between attempts: exponential with full jitter.

use std::time::Duration;

/// Returns the delay after attempt `attempt` (from 1): uniformly distributed between zero and `base` doubled with every
/// attempt, at most `cap`. `random` is uniform over all of u64.
pub(crate) fn delay(base: Duration, cap: Duration, attempt: u32, random: u64) -> Duration {
    let doubled = base.saturating_mul(2_u32.saturating_pow(attempt.saturating_sub(1)));
    let bound = u64::try_from(doubled.min(cap).as_nanos()).unwrap_or(u64::MAX);
    let share = (u128::from(bound) * u128::from(random)) >> 64;
    // The share is below the bound, which is a u64.
    Duration::from_nanos(u64::try_from(share).unwrap_or(bound))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn doubles_up_to_the_cap() {
        let (base, cap) = (Duration::from_secs(1), Duration::from_secs(30));
        let bounds: Vec<u64> = (1..8)
            .map(|attempt| delay(base, cap, attempt, u64::MAX).as_millis_rounded())
            .collect();
        assert_eq!(bounds, [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
        assert_eq!(delay(base, cap, 3, 0), Duration::ZERO);
        assert_eq!(delay(base, cap, 3, u64::MAX / 2).as_millis_rounded(), 2_000);
    }

    trait Rounded {
        fn as_millis_rounded(&self) -> u64;
    }

    impl Rounded for Duration {
        fn as_millis_rounded(&self) -> u64 {
            u64::try_from((self.as_nanos() + 500_000) / 1_000_000).unwrap()
        }
    }

    proptest! {
        // Delays lie within [0, cap] and depend on the random number.
        #[test]
        fn within_zero_and_the_cap(base: u64, cap: u64, attempt: u32, random: u64) {
            let (base, cap) = (Duration::from_nanos(base), Duration::from_nanos(cap));
            prop_assert!(delay(base, cap, attempt, random) <= cap);
            prop_assert_eq!(delay(base, cap, attempt, 0), Duration::ZERO);
        }

        #[test]
        fn spread_by_the_random_number(attempt in 1_u32..10, low in 0_u64..u64::MAX / 2) {
            let (base, cap) = (Duration::from_secs(1), Duration::from_secs(30));
            let high = low + u64::MAX / 2;
            prop_assert!(delay(base, cap, attempt, low) < delay(base, cap, attempt, high));
        }
    }
}
