//! The last key that can create others is kept: there is no other way in (see `docs/design/decisions.md#v1`).

use hh_api::types::KeyState;
use hh_auth::{Level, Projects};
use jiff::{SignedDuration, Timestamp};

use super::Refusal;
use super::keys::KeyRecord;

/// How long a key has to remain valid to count as lasting.
pub(crate) const LASTING: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Which keys there are that can create others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Admins {
    /// There is one.
    pub(crate) any: bool,
    /// There is one that lasts.
    pub(crate) lasting: bool,
}

/// Returns whether a key can create others and is not about to be replaced: neither in its grace, nor created by a
/// rotation and not used yet, in which case its text may have been lost on the way.
pub(crate) fn is_admin(key: &KeyRecord, now: Timestamp) -> bool {
    can_create_keys(key, now) && key.grace_ends.is_none() && !key.begins_grace
}

/// Returns whether a key remains valid long enough.
pub(crate) fn is_lasting(key: &KeyRecord, now: Timestamp) -> bool {
    let end = now.saturating_add(LASTING).unwrap_or(Timestamp::MAX);
    let expires = key.grant.expires.map(Timestamp::as_millisecond);
    expires.is_none_or(|expires| expires >= end.as_millisecond())
}

/// Returns whether a key can create others. Any other key can be revoked.
pub(crate) fn can_create_keys(key: &KeyRecord, now: Timestamp) -> bool {
    key.grant.level == Level::Admin
        && key.grant.projects == Projects::All
        && key.state(now) == KeyState::Active
}

/// Refuses to revoke the last lasting key that can create others, and where there is none, the last one of any kind.
///
/// One that leaked can be revoked all the same: after it was rotated and the new key was used, or another was created. One
/// that remains valid for less than 30 days can be revoked while any other is left, since it does not count itself.
pub(crate) fn check_revocation(
    key: &KeyRecord,
    others: Admins,
    now: Timestamp,
) -> Result<(), Refusal> {
    let counts = is_admin(key, now) && is_lasting(key, now);
    if can_create_keys(key, now) && !others.lasting && (counts || !others.any) {
        return Err(Refusal::Conflict(
            "this is the last key of level admin for all projects that remains valid for 30 days, and without one no key can be created or revoked; create another first, or rotate this one and use the new key".to_owned(),
        ));
    }
    Ok(())
}

/// Refuses a change after which no key could create others, or none that lasts if one did before.
pub(crate) fn check_some_left(had_lasting: bool, left: Admins) -> Result<(), Refusal> {
    if if had_lasting { left.lasting } else { left.any } {
        return Ok(());
    }
    Err(Refusal::Conflict(
        "no key of level admin for all projects that remains valid for 30 days would be left, and without one no key can be created or revoked; create another first".to_owned(),
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
        // Whether it can be revoked with no other key, one that does not last, and one that does.
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
}
