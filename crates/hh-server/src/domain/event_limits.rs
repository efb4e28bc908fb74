//! Limits on what an event may say about itself.

use hh_api::types::Object;

/// The largest body of a request, counted after inflation, and the largest event as it is stored.
pub(crate) const MAX_BODY: usize = 16 * 1024 * 1024;

const NANOS_PER_MILLI: i64 = 1_000_000;
const DAY: i64 = 24 * 60 * 60 * 1000 * NANOS_PER_MILLI;

/// The member of the metadata that keeps a start time that was replaced, in Unix milliseconds.
pub(crate) const ORIGINAL_START: &str = "original_start_time";

/// Moves an event that starts more than a day after its arrival to the time of its arrival, so that it does not stay at
/// the top of every list. Its duration stays, and the metadata keeps the original start time. An end more than a day after
/// the arrival is moved to a day after it.
///
/// Times are nanoseconds since 1970.
pub(crate) fn limit_start(started: &mut i64, ended: &mut i64, metadata: &mut Object, arrived: i64) {
    let latest = arrived.saturating_add(DAY);
    if *started <= latest {
        // One end in the far future would be the end of the whole session.
        *ended = (*ended).min(latest);
        return;
    }
    let original = started.div_euclid(NANOS_PER_MILLI);
    *ended = arrived.saturating_add(ended.saturating_sub(*started));
    *started = arrived;
    // A client's own value of that name is not ours to replace.
    metadata
        .entry(ORIGINAL_START)
        .or_insert_with(|| original.into());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_event_starts_more_than_a_day_after_its_arrival(
            start in any::<i64>(), duration in 0..i64::MAX, arrived in 0..i64::MAX / 2,
        ) {
            let end = start.saturating_add(duration);
            let (mut started, mut ended, mut metadata) = (start, end, Object::new());
            limit_start(&mut started, &mut ended, &mut metadata, arrived);
            prop_assert!(started <= arrived + DAY);
            prop_assert!(ended >= started);
            if start <= arrived + DAY {
                prop_assert_eq!((started, ended), (start, end.min(arrived + DAY)));
                prop_assert!(metadata.is_empty());
            } else {
                let original = metadata[ORIGINAL_START].as_i64().unwrap();
                prop_assert_eq!(original, start.div_euclid(NANOS_PER_MILLI));
            }
        }
    }
}
