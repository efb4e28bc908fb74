//! Limits the size and the times of an event.

use hh_api::types::Object;

/// The maximum size of a request body after decompression, and of a stored event, in bytes.
pub(crate) const MAX_BODY: usize = 16 * 1024 * 1024;

const NANOS_PER_MILLI: i64 = 1_000_000;
const DAY: i64 = 24 * 60 * 60 * 1000 * NANOS_PER_MILLI;

/// The metadata member that stores the original start time of an event that was moved, in Unix milliseconds.
pub(crate) const ORIGINAL_START: &str = "original_start_time";

/// Limits the times of an event to one day after its arrival.
///
/// An event that starts later is moved to the time of its arrival, so that it does not stay at the top of every list.
/// Its duration does not change, and the original start time is stored in the metadata. For other events, only the end
/// is limited.
///
/// Times are nanoseconds since 1970.
pub(crate) fn limit_start(started: &mut i64, ended: &mut i64, metadata: &mut Object, arrived: i64) {
    let latest = latest_end(arrived);
    if *started <= latest {
        // The latest end of its events is the end of the whole session.
        *ended = (*ended).min(latest);
        return;
    }
    let original = started.div_euclid(NANOS_PER_MILLI);
    *ended = arrived.saturating_add(ended.saturating_sub(*started));
    *started = arrived;
    // A value that the client sent under this name must not be replaced.
    metadata
        .entry(ORIGINAL_START)
        .or_insert_with(|| original.into());
}

/// Returns the latest end of an event that arrives at a time, in nanoseconds since 1970.
pub(crate) fn latest_end(arrived: i64) -> i64 {
    arrived.saturating_add(DAY)
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
