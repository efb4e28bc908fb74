//! Protects the last key that can create other keys, because only such a key can manage keys
//! (see `docs/design/decisions.md#v1`).

use hh_api::types::KeyState;
use hh_auth::{Level, Projects};
use jiff::{SignedDuration, Timestamp};

use super::Refusal;
use super::keys::KeyRecord;

/// How long a key must remain valid to count as lasting.
pub(crate) const LASTING: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Which keys exist that can create other keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Admins {
    /// Whether any such key exists.
    pub(crate) any: bool,
    /// Whether such a key exists that is also lasting (see [`is_lasting`]).
    pub(crate) lasting: bool,
}

/// Returns whether a key can create other keys and counts as available.
///
/// A key in its grace period does not count. Neither does a key that a rotation created and that was not used yet,
/// because its text may have been lost in transit.
pub(crate) fn is_admin(key: &KeyRecord, now: Timestamp) -> bool {
    can_create_keys(key, now) && key.grace_ends.is_none() && !key.begins_grace
}

/// Returns whether a key remains valid for at least [`LASTING`].
pub(crate) fn is_lasting(key: &KeyRecord, now: Timestamp) -> bool {
    key.grant
        .expires
        .is_none_or(|expires| is_lasting_until(expires, now))
}

/// Returns whether an expiry is at least [`LASTING`] away.
fn is_lasting_until(expires: Timestamp, now: Timestamp) -> bool {
    let end = now.saturating_add(LASTING).unwrap_or(Timestamp::MAX);
    expires.as_millisecond() >= end.as_millisecond()
}

/// Returns whether a key can create other keys. All other keys can always be revoked.
pub(crate) fn can_create_keys(key: &KeyRecord, now: Timestamp) -> bool {
    key.grant.level == Level::Admin
        && key.grant.projects == Projects::All
        && key.state(now) == KeyState::Active
}

/// Checks that a key can be revoked. The last lasting key that can create other keys cannot be revoked. If no lasting
/// key exists, the last key that can create other keys cannot be revoked.
///
/// A leaked key can be revoked after another such key was created, or after the leaked key was rotated and the new key
/// was used. A key that is valid for less than 30 days can be revoked while any other such key exists.
pub(crate) fn check_revocation(
    key: &KeyRecord,
    others: Admins,
    now: Timestamp,
) -> Result<(), Refusal> {
    let counts = is_admin(key, now) && is_lasting(key, now);
    if can_create_keys(key, now) && !others.lasting && (counts || !others.any) {
        return Err(Refusal::Conflict(
            "revoking this key would leave no admin key that applies to all projects and is valid for at least 30 days; create such a key first, or rotate this key and use the new one".to_owned(),
        ));
    }
    Ok(())
}

/// Checks that a key can expire earlier: the last lasting key that can create other keys must remain lasting.
///
/// `others` does not include the key that this key replaces, because the first use of this key begins its grace period.
/// Therefore, this key is protected before its first use.
pub(crate) fn check_earlier_expiry(
    key: &KeyRecord,
    expires: Timestamp,
    others: Admins,
    now: Timestamp,
) -> Result<(), Refusal> {
    let counts = can_create_keys(key, now) && key.grace_ends.is_none() && is_lasting(key, now);
    if counts && !others.lasting && !is_lasting_until(expires, now) {
        return Err(Refusal::Conflict(
            "with this expiry, no admin key would be left that applies to all projects and is valid for at least 30 days; create such a key first".to_owned(),
        ));
    }
    Ok(())
}

/// Checks that a key that can create other keys remains after a change. If a lasting one existed before, a lasting one
/// must remain.
pub(crate) fn check_some_left(had_lasting: bool, left: Admins) -> Result<(), Refusal> {
    if if had_lasting { left.lasting } else { left.any } {
        return Ok(());
    }
    Err(Refusal::Conflict(
        "disabling this owner would leave no admin key that applies to all projects and is valid for at least 30 days; create such a key for another owner first".to_owned(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_key_that_counts_is_kept_and_every_other_can_be_revoked() {
        let now = Timestamp::UNIX_EPOCH;
        let end = |days: i64| now + SignedDuration::from_hours(24 * days);
        let lasting = KeyRecord::of_admin(1);
        let with = |change: fn(&mut KeyRecord)| {
            let mut key = KeyRecord::of_admin(1);
            change(&mut key);
            key
        };
        let mut short = lasting.clone();
        short.grant.expires = Some(end(29));
        let mut month = lasting.clone();
        month.grant.expires = Some(end(30));
        let mut in_grace = lasting.clone();
        in_grace.grace_ends = Some(end(1));
        let unused = with(|key| key.begins_grace = true);
        let reader = with(|key| key.grant.level = Level::ReadOnly);
        let revoked = with(|key| key.is_revoked = true);
        // `expected` states whether the key can be revoked in three cases: if no other admin key exists, if only one
        // that is not lasting exists, and if a lasting one exists.
        for (name, key, expected) in [
            ("lasting", &lasting, [false, false, true]),
            ("month", &month, [false, false, true]),
            ("short", &short, [false, true, true]),
            ("in its grace", &in_grace, [false, true, true]),
            ("unused", &unused, [false, true, true]),
            ("reader", &reader, [true, true, true]),
            ("revoked", &revoked, [true, true, true]),
        ] {
            let others = [(false, false), (true, false), (true, true)];
            let found = others.map(|(any, lasting)| {
                let others = Admins { any, lasting };
                check_revocation(key, others, now).is_ok()
            });
            assert_eq!(found, expected, "{name}");
        }
    }

    #[test]
    fn the_last_lasting_key_cannot_be_shortened_to_less_than_30_days() {
        let now = Timestamp::UNIX_EPOCH;
        let end = |days: i64| now + SignedDuration::from_hours(24 * days);
        let with = |change: fn(&mut KeyRecord)| {
            let mut key = KeyRecord::of_admin(1);
            change(&mut key);
            key
        };
        let mut short = KeyRecord::of_admin(1);
        short.grant.expires = Some(end(29));
        // `expected` states whether the key can expire in 29 and in 30 days, if no other lasting key exists.
        for (name, key, expected) in [
            ("lasting", with(|_| {}), [false, true]),
            ("unused", with(|key| key.begins_grace = true), [false, true]),
            ("short", short, [true, true]),
            (
                "in its grace",
                with(|key| key.grace_ends = Some(Timestamp::MAX)),
                [true, true],
            ),
            (
                "reader",
                with(|key| key.grant.level = Level::ReadOnly),
                [true, true],
            ),
        ] {
            let check = |days, lasting| {
                let others = Admins { any: true, lasting };
                check_earlier_expiry(&key, end(days), others, now).is_ok()
            };
            assert_eq!([29, 30].map(|days| check(days, false)), expected, "{name}");
            assert!(check(29, true), "{name}");
        }
    }
}
