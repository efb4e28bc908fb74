//! Checks which keys may be rotated, and how often.

use std::time::Duration;

use hh_api::types::KeyState;
use jiff::Timestamp;

use super::Refusal;
use super::keys::KeyRecord;

const DAY: u32 = 24 * 60 * 60;
const MAX_GRACE: u32 = 7 * DAY;

/// Returns the grace period of a replaced key, in milliseconds. It begins when the new key is first used.
pub(crate) fn grace(seconds: Option<u32>) -> Result<i64, Refusal> {
    let seconds = seconds.unwrap_or(DAY);
    if seconds > MAX_GRACE {
        return Err(Refusal::Invalid(format!(
            "grace_seconds must be between 0 and {MAX_GRACE} (7 days)"
        )));
    }
    Ok(i64::from(seconds) * 1000)
}

/// The window of the limit of rotations.
const WINDOW: Duration = Duration::from_hours(1);

/// Checks that at most two keys of the family are active after a rotation, and that the rotated key is active.
///
/// `replaced` is the key that `old` replaces.
pub(crate) fn check_may_rotate(
    old: &KeyRecord,
    replaced: Option<&KeyRecord>,
    now: Timestamp,
) -> Result<(), Refusal> {
    let refuse = |what: String| Err(Refusal::Conflict(what));
    if old.state(now) != KeyState::Active {
        return refuse(
            "the key is no longer active and cannot be rotated; create a new key".to_owned(),
        );
    }
    if let (Some(new), Some(end)) = (&old.replaced_by, old.grace_ends) {
        return refuse(format!(
            "the key was already replaced by {new}, and its grace period ends at {end:.0}; rotate {new} instead"
        ));
    }
    match replaced {
        Some(before) if before.state(now) == KeyState::Active => refuse(format!(
            "the key {}, which this key replaces, is still active; revoke it first, or wait until its grace period ends",
            before.id
        )),
        _ => Ok(()),
    }
}

/// Returns the start of the window. Earlier rotations do not count.
pub(crate) fn window_begin(now: Timestamp) -> Timestamp {
    now.saturating_sub(WINDOW).unwrap_or(Timestamp::MIN)
}

/// Checks that a rotation is within the limit.
///
/// `earliest` is the time of the earliest of the last `limit` rotations; `None` if fewer rotations exist.
pub(crate) fn check_rate(
    earliest: Option<Timestamp>,
    limit: u32,
    now: Timestamp,
) -> Result<(), Refusal> {
    let left = earliest.map(|earliest| earliest.duration_since(window_begin(now)));
    let wait = left.and_then(|left| Duration::try_from(left).ok());
    let wait = wait.unwrap_or_default().min(WINDOW);
    if wait.is_zero() {
        return Ok(());
    }
    Err(Refusal::TooManyRotations { limit, wait })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn a_rotation_waits_until_the_earliest_of_the_window_is_an_hour_old() {
        let now = at(100_000);
        for (earliest, wait) in [
            (None, 0),
            (Some(100_000 - 3600), 0),
            (Some(100_000 - 3599), 1),
            (Some(100_000), 3600),
            // The clock was set back after the rotation.
            (Some(200_000), 3600),
        ] {
            let limit = 60;
            let expected = (wait > 0).then_some(Refusal::TooManyRotations {
                limit,
                wait: Duration::from_secs(wait),
            });
            assert_eq!(check_rate(earliest.map(at), limit, now).err(), expected);
        }
    }

    #[test]
    fn the_grace_is_a_day_unless_given_and_a_week_at_most() {
        assert_eq!(grace(None), Ok(86_400_000));
        assert_eq!(grace(Some(0)), Ok(0));
        assert_eq!(grace(Some(MAX_GRACE)), Ok(604_800_000));
        assert!(grace(Some(MAX_GRACE + 1)).is_err());
    }

    #[test]
    fn at_most_two_keys_of_a_family_work() {
        let now = at(10);
        let check = |old: &KeyRecord, replaced| check_may_rotate(old, replaced, now).is_ok();
        let (first, mut old) = (KeyRecord::of_admin(1), KeyRecord::of_admin(2));
        assert!(check(&old, None));
        old.replaced_by = Some("id3".to_owned());
        assert!(check(&old, None), "the replacement was not used");
        old.grace_ends = Some(at(20));
        assert!(!check(&old, None), "the replacement was used");
        (old.grace_ends, old.replaces) = (None, Some(first.id.clone()));
        assert!(
            !check(&old, Some(&first)),
            "the previous key is still active"
        );
        let revoked = KeyRecord {
            is_revoked: true,
            ..first.clone()
        };
        assert!(check(&old, Some(&revoked)));
        assert!(!check(&revoked, None));
    }
}
