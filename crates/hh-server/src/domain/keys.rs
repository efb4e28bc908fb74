//! Defines stored keys and their states.

use hh_api::types::{Key, KeyState, Principal, ProjectNames};
use hh_auth::{Grant, KeyDigest};
use jiff::Timestamp;

use super::Refusal;

/// The id of the pepper in use. Rows contain it, so that a later version can introduce a second pepper.
pub(crate) const PEPPER_ID: i64 = 1;

/// A stored key. It never contains the text of the key.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct KeyRecord {
    pub(crate) key_id: i64,
    /// The rotation family, which the key shares with all keys that replaced it, directly or indirectly.
    pub(crate) family: i64,
    pub(crate) id: String,
    pub(crate) digest: KeyDigest,
    pub(crate) name: String,
    pub(crate) note: Option<String>,
    pub(crate) shown: String,
    pub(crate) grant: Grant,
    pub(crate) owner: String,
    pub(crate) created: Timestamp,
    /// The id of the key that replaces it.
    pub(crate) replaced_by: Option<String>,
    /// The grace period after the first use of the key that replaces it, in milliseconds; `None` if no key replaces it.
    pub(crate) grace: Option<i64>,
    /// The end of the grace period; `None` until the key that replaces it is first used.
    pub(crate) grace_ends: Option<Timestamp>,
    /// The id of the key that it replaces.
    pub(crate) replaces: Option<String>,
    /// Whether the first request with this key begins the grace period of the key that it replaces.
    pub(crate) begins_grace: bool,
    pub(crate) is_revoked: bool,
    /// The stored state of a key that has expired or was replaced. Once stored, no clock change reactivates the key.
    pub(crate) closed: Option<KeyState>,
    pub(crate) last_used: Option<Timestamp>,
}

/// Checks that a new key has not expired already.
pub(crate) fn check_expiry(grant: &Grant, created: Timestamp) -> Result<(), Refusal> {
    if grant.expires.is_some_and(|end| end <= created) {
        return Err(Refusal::Invalid("expires_at is in the past".to_owned()));
    }
    Ok(())
}

/// Checks that the expiry of a key can be changed. A key can expire earlier, but not later.
pub(crate) fn check_new_expiry(
    key: &KeyRecord,
    expires: Timestamp,
    now: Timestamp,
) -> Result<(), Refusal> {
    if key.state(now) != KeyState::Active {
        return Err(Refusal::Conflict(
            "the key is no longer active, so its expiry cannot be changed".to_owned(),
        ));
    }
    let grant = Grant {
        expires: Some(expires),
        ..key.grant.clone()
    };
    check_expiry(&grant, now)?;
    match key.grant.expires {
        Some(end) if expires > end => Err(Refusal::Invalid(format!(
            "expires_at is later than the current expiry of the key ({end}); create a new key instead"
        ))),
        _ => Ok(()),
    }
}

impl KeyRecord {
    /// Returns the state of the key at a time. Of two ends that have passed, the earlier one decides, so that the state
    /// never changes from expired to replaced or back.
    pub(crate) fn state(&self, now: Timestamp) -> KeyState {
        if self.is_revoked {
            return KeyState::Revoked;
        }
        if let Some(closed) = self.closed {
            return closed;
        }
        // The first of two equal ends decides. A grace period that begins at the expiry never reactivates the key.
        let ends = [
            (self.grant.expires, KeyState::Expired),
            (self.grace_ends, KeyState::Replaced),
        ];
        let past = ends
            .into_iter()
            .filter_map(|(end, state)| end.filter(|end| now >= *end).map(|end| (end, state)));
        past.min_by_key(|(end, _)| *end)
            .map_or(KeyState::Active, |(_, state)| state)
    }

    /// Returns the state to store if the key has certainly expired or been replaced, and this is not stored yet.
    pub(crate) fn to_close(&self, certain: Timestamp) -> Option<KeyState> {
        let state = self.state(certain);
        let is_new = self.closed.is_none();
        (is_new && matches!(state, KeyState::Expired | KeyState::Replaced)).then_some(state)
    }

    /// Returns whether the key may grant these rights to another key, which must not outlive it.
    pub(crate) fn can_grant(&self, grant: &Grant) -> bool {
        let ends = [self.grant.expires, self.grace_ends];
        grant.is_within(&Grant {
            expires: ends.into_iter().flatten().min(),
            ..self.grant.clone()
        })
    }

    /// Returns the key as the API describes it.
    pub(crate) fn describe(
        &self,
        projects: ProjectNames,
        state: KeyState,
        last_used: Option<Timestamp>,
    ) -> Key {
        Key {
            id: self.id.clone(),
            name: self.name.clone(),
            shown: self.shown.clone(),
            level: self.grant.level,
            projects,
            owner: Principal::of(&self.owner),
            state,
            created_at: self.created,
            expires_at: self.grant.expires,
            note: self.note.clone(),
            last_used_at: last_used,
            replaced_by: self.replaced_by.clone(),
            grace_seconds: self
                .grace
                .and_then(|grace| u32::try_from(grace / 1000).ok()),
            grace_ends_at: self.grace_ends,
            replaces: self.replaces.clone(),
        }
    }
}

#[cfg(test)]
impl KeyRecord {
    /// Returns a new key of level admin for all projects.
    pub(crate) fn of_admin(number: i64) -> Self {
        Self {
            key_id: number,
            family: number,
            id: format!("id{number}"),
            digest: KeyDigest::from_bytes([7; 32]),
            name: "name".to_owned(),
            note: None,
            shown: "hh_***".to_owned(),
            grant: Grant {
                level: hh_auth::Level::Admin,
                projects: hh_auth::Projects::All,
                expires: None,
            },
            owner: "owner".to_owned(),
            created: Timestamp::UNIX_EPOCH,
            replaced_by: None,
            grace: None,
            grace_ends: None,
            replaces: None,
            begins_grace: false,
            is_revoked: false,
            closed: None,
            last_used: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn a_key_expires_at_its_earliest_end_and_no_clock_change_revives_it() {
        let key = KeyRecord::of_admin(1);
        for (expires, grace_ends, closed, is_revoked, expected) in [
            (None, None, None, false, KeyState::Active),
            (Some(11), Some(11), None, false, KeyState::Active),
            (Some(10), None, None, false, KeyState::Expired),
            (None, Some(10), None, false, KeyState::Replaced),
            (Some(5), Some(10), None, false, KeyState::Expired),
            (Some(10), Some(5), None, false, KeyState::Replaced),
            (Some(5), Some(5), None, false, KeyState::Expired),
            (
                Some(11),
                None,
                Some(KeyState::Expired),
                false,
                KeyState::Expired,
            ),
            (
                Some(5),
                Some(5),
                Some(KeyState::Replaced),
                true,
                KeyState::Revoked,
            ),
        ] {
            let mut key = KeyRecord {
                grace_ends: grace_ends.map(at),
                is_revoked,
                closed,
                ..key.clone()
            };
            key.grant.expires = expires.map(at);
            let state = key.state(at(10));
            assert_eq!(state, expected);
            let is_new =
                closed.is_none() && matches!(state, KeyState::Expired | KeyState::Replaced);
            assert_eq!(key.to_close(at(10)), is_new.then_some(state));
        }
    }

    #[test]
    fn a_key_grants_nothing_that_outlives_its_expiry_or_grace() {
        let mut issuer = KeyRecord::of_admin(1);
        let until = |expires| Grant {
            expires,
            ..KeyRecord::of_admin(2).grant
        };
        assert!(issuer.can_grant(&until(None)));
        (issuer.grant.expires, issuer.grace_ends) = (Some(at(20)), Some(at(10)));
        for (expires, is_allowed) in [(None, false), (Some(20), false), (Some(10), true)] {
            assert_eq!(issuer.can_grant(&until(expires.map(at))), is_allowed);
        }
    }

    #[test]
    fn a_key_can_expire_earlier_and_never_later() {
        let mut key = KeyRecord::of_admin(1);
        let check = |key: &KeyRecord, second| check_new_expiry(key, at(second), at(10));
        assert_eq!(check(&key, 1000), Ok(()), "the key never expired");
        key.grant.expires = Some(at(20));
        for (second, is_allowed) in [(9, false), (10, false), (11, true), (20, true), (21, false)] {
            assert_eq!(check(&key, second).is_ok(), is_allowed, "{second}");
        }
        key.grace_ends = Some(at(15));
        assert_eq!(check(&key, 18), Ok(()), "the key is in its grace period");
        key.grace_ends = Some(at(5));
        assert!(matches!(check(&key, 18), Err(Refusal::Conflict(_))));
    }
}
