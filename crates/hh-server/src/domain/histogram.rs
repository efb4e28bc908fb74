//! Counts durations in fixed logarithmic buckets, so that counts of any time ranges can be added and subtracted.
//!
//! Bucket 0 counts durations below 1 µs. After it, each power of two of microseconds has two buckets: from `2^n` to
//! `1.5 * 2^n`, and from there to `2^(n+1)`. A percentile that is read from the buckets is at most 50 % too high.

/// The number of buckets. The last one also counts all longer durations, from 407 days on.
pub(crate) const BUCKETS: usize = 91;

const NANOS_PER_MICRO: i64 = 1000;

/// Returns the bucket of a duration in nanoseconds. Negative durations are in bucket 0.
pub(crate) fn bucket(nanos: i64) -> usize {
    let micros = nanos.max(0).unsigned_abs() / NANOS_PER_MICRO.unsigned_abs();
    let Some(power) = micros.checked_ilog2() else {
        return 0;
    };
    // The bit below the highest one is set in the upper half. 1 µs has no such bit.
    let is_upper = power > 0 && micros >> (power - 1) & 1 == 1;
    (1 + 2 * power as usize + usize::from(is_upper)).min(BUCKETS - 1)
}

/// Changes of the counts of a histogram, or its counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Histogram {
    /// The counts of the buckets up to the last one that was changed.
    counts: Vec<i64>,
}

impl Histogram {
    /// Adds `change` to the count of the bucket of a duration in nanoseconds.
    pub(crate) fn count(&mut self, nanos: i64, change: i64) {
        let bucket = bucket(nanos);
        self.at(bucket, change);
    }

    /// Adds the counts of another histogram.
    pub(crate) fn add(&mut self, other: &Self) {
        for (bucket, change) in other.counts.iter().enumerate() {
            self.at(bucket, *change);
        }
    }

    pub(crate) fn is_zero(&self) -> bool {
        self.counts.iter().all(|count| *count == 0)
    }

    fn at(&mut self, bucket: usize, change: i64) {
        if bucket >= self.counts.len() {
            self.counts.resize(bucket + 1, 0);
        }
        if let Some(count) = self.counts.get_mut(bucket) {
            *count = count.saturating_add(change);
        }
    }

    /// Encodes the counts in the order of the buckets as LEB128 numbers, without zeros at the end. Counts below zero,
    /// which only damaged data can cause, are encoded as zero.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let used = self.counts.iter().rposition(|count| *count > 0);
        let mut bytes = Vec::with_capacity(self.counts.len());
        for count in self.counts.iter().take(used.map_or(0, |last| last + 1)) {
            let mut rest = (*count).max(0).unsigned_abs();
            loop {
                let [low, ..] = rest.to_le_bytes();
                rest >>= 7;
                if rest == 0 {
                    bytes.push(low & 0x7f);
                    break;
                }
                bytes.push(low | 0x80);
            }
        }
        bytes
    }

    /// Decodes counts. Damaged data results in other counts, but never fails.
    pub(crate) fn decode(bytes: &[u8]) -> Self {
        let (mut counts, mut count, mut shift) = (Vec::new(), 0_i64, 0);
        for byte in bytes {
            count |= i64::from(byte & 0x7f).checked_shl(shift).unwrap_or(0);
            shift += 7;
            if byte & 0x80 == 0 {
                counts.push(count.max(0));
                (count, shift) = (0, 0);
            }
        }
        counts.truncate(BUCKETS);
        Self { counts }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn each_power_of_two_of_microseconds_has_two_buckets() {
        for (micros, expected) in [
            (0, 0),
            (1, 1),
            (2, 3),
            (3, 4),
            (4, 5),
            (5, 5),
            (6, 6),
            (7, 6),
            (8, 7),
            (11, 7),
            (12, 8),
            (1 << 20, 41),
            (3 << 19, 42),
            (i64::MAX / 1000, BUCKETS - 1),
        ] {
            assert_eq!(bucket(micros * 1000), expected, "{micros} µs");
        }
        assert_eq!(bucket(999), 0);
        assert_eq!(bucket(-1), 0);
        assert_eq!(bucket(i64::MAX), BUCKETS - 1);
    }

    proptest! {
        #[test]
        fn longer_durations_are_never_in_lower_buckets(one in any::<i64>(), other in any::<i64>()) {
            prop_assert!(bucket(one.min(other)) <= bucket(one.max(other)));
        }

        #[test]
        fn what_was_added_can_be_subtracted(
            kept in prop::collection::vec(any::<i64>(), 0..20),
            removed in prop::collection::vec(any::<i64>(), 0..20),
        ) {
            let of = |durations: &[i64]| {
                let mut histogram = Histogram::default();
                for nanos in durations {
                    histogram.count(*nanos, 1);
                }
                histogram
            };
            let mut all = of(&kept);
            all.add(&of(&removed));
            let mut all = Histogram::decode(&all.encode());
            for nanos in removed {
                all.count(nanos, -1);
            }
            prop_assert_eq!(all.encode(), of(&kept).encode());
        }

        #[test]
        fn damaged_bytes_are_decoded_to_something(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            prop_assert!(Histogram::decode(&bytes).encode().len() <= 10 * BUCKETS);
        }
    }
}
