//! Implements a simple store in memory. A command that fails restores the whole previous state.

mod deletions;
mod events;
mod keys;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use hh_api::types::{KeyState, Owner, Principal};
use jiff::Timestamp;
use uuid::Uuid;

use super::*;
use crate::auth::ProjectAccess;
use crate::domain::idempotency::{self, IdempotencyKey, IdempotencyRecord};
use crate::domain::last_admin::{self, Admins};
use crate::domain::rotation;

pub(super) struct Model {
    state: Mutex<State>,
    clock: Arc<Clock>,
}

#[derive(Clone, Default)]
struct State {
    keys: Vec<ModelKey>,
    owners: BTreeMap<String, ModelOwner>,
    projects: Vec<String>,
    /// The numbers of deleted projects.
    deleted: Vec<i64>,
    created: Vec<Creation>,
    sessions: Vec<ModelSession>,
    events: Vec<ModelEvent>,
}

#[derive(Clone)]
struct ModelKey {
    number: i64,
    family: i64,
    key: NewKey,
    ended: Option<KeyState>,
    last_used: Option<Timestamp>,
    replaced_by: Option<i64>,
    /// The last grace period, which has no meaning while no key replaces this one.
    grace: i64,
    grace_ends: Option<Timestamp>,
}

#[derive(Clone)]
struct ModelOwner {
    created: Timestamp,
    disabled: Option<Timestamp>,
}

#[derive(Clone)]
struct Creation {
    issuer: i64,
    key: IdempotencyKey,
    number: i64,
    created: Timestamp,
}

#[derive(Clone)]
struct ModelSession {
    sid: i64,
    project: i64,
    id: Uuid,
    name: String,
    started: i64,
    /// Its start when it was created.
    listed: i64,
    ended: i64,
    is_implicit: bool,
    body: Vec<u8>,
    family: i64,
}

#[derive(Clone)]
struct ModelEvent {
    project: i64,
    /// The number of its session.
    sid: i64,
    id: Uuid,
    parent: Uuid,
    event: NewEvent,
    family: i64,
}

type Answer<T> = Result<T, StoreError>;

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millisecond(millis).unwrap()
}

fn unknown(what: &str) -> StoreError {
    StoreError::NotFound(format!("{what} not found"))
}

impl ModelKey {
    fn new(number: i64, key: NewKey) -> Self {
        Self {
            number,
            family: key.family.unwrap_or(number),
            key,
            ended: None,
            last_used: None,
            replaced_by: None,
            grace: 0,
            grace_ends: None,
        }
    }
}

impl State {
    fn record(&self, key: &ModelKey) -> KeyRecord {
        let id_of = |key: &ModelKey| key.key.id.clone();
        let replaced = self.keys.iter();
        let replaced = replaced
            .clone()
            .find(|old| old.replaced_by == Some(key.number));
        KeyRecord {
            key_id: key.number,
            family: key.family,
            id: key.key.id.clone(),
            digest: key.key.digest,
            name: key.key.name.clone(),
            note: key.key.note.clone(),
            shown: key.key.shown.clone(),
            grant: key.key.grant.clone(),
            owner: key.key.owner.clone(),
            created: key.key.created,
            replaced_by: key
                .replaced_by
                .map(|new| id_of(self.by_number(new).unwrap())),
            grace: key.replaced_by.map(|_| key.grace),
            grace_ends: key.grace_ends,
            replaces: replaced.map(id_of),
            begins_grace: replaced.is_some_and(|old| old.grace_ends.is_none()),
            is_revoked: key.ended == Some(KeyState::Revoked),
            closed: key.ended.filter(|ended| *ended != KeyState::Revoked),
            last_used: key.last_used,
        }
    }

    fn records(&self) -> impl Iterator<Item = KeyRecord> {
        self.keys.iter().map(|key| self.record(key))
    }

    fn by_number(&self, number: i64) -> Answer<&ModelKey> {
        let found = self.keys.iter().find(|key| key.number == number);
        found.ok_or_else(|| unknown("API key"))
    }

    fn key(&mut self, number: i64) -> &mut ModelKey {
        let mut keys = self.keys.iter_mut();
        keys.find(|key| key.number == number).unwrap()
    }

    fn check_live(&self, number: i64, now: Timestamp) -> Answer<()> {
        let key = self.record(self.by_number(number)?);
        let is_live = key.state(now) == KeyState::Active;
        is_live.then_some(()).ok_or(StoreError::Ended)
    }

    fn check_within(&self, key: &NewKey, issuer: i64) -> Answer<()> {
        let issuer = self.record(self.by_number(issuer)?);
        let is_within = issuer.can_grant(&key.grant);
        is_within.then_some(()).ok_or(StoreError::Ended)
    }

    fn insert(&mut self, key: NewKey) -> Answer<i64> {
        let new = ModelOwner {
            created: key.created,
            disabled: None,
        };
        let owner = self.owners.entry(key.owner.clone()).or_insert(new);
        if owner.disabled.is_some() {
            return Err(StoreError::conflict(format!(
                "owner {} is disabled and cannot own new keys; choose another owner",
                key.owner
            )));
        }
        let number = self.keys.iter().map(|key| key.number).max().unwrap_or(0) + 1;
        self.keys.push(ModelKey::new(number, key));
        Ok(number)
    }

    fn expire(&mut self, now: Timestamp) {
        let expired = idempotency::expired_at(now);
        self.created.retain(|created| created.created > expired);
    }

    fn replay(
        &mut self,
        issuer: i64,
        key: Option<IdempotencyKey>,
        now: Timestamp,
    ) -> Answer<Option<InsertOutcome>> {
        let Some(key) = key else { return Ok(None) };
        self.expire(now);
        let mut created = self.created.iter();
        let found = created.find(|found| found.issuer == issuer && found.key.name == key.name);
        let earlier = found.map(|found| IdempotencyRecord {
            request: found.key.request,
            key_id: found.number,
        });
        let earlier = idempotency::replay(earlier, &key)?;
        let earlier = earlier.and_then(|number| self.by_number(number).ok());
        Ok(earlier.map(|key| InsertOutcome::Repeated(Box::new(self.record(key)))))
    }

    fn remember(&mut self, issuer: i64, key: Option<IdempotencyKey>, number: i64, now: Timestamp) {
        self.created.extend(key.map(|key| Creation {
            issuer,
            key,
            number,
            created: now,
        }));
    }

    /// Finds the keys that a rotation deletes: keys of a family that are no longer valid, were never used, and are
    /// older than an hour.
    fn unused(&self, family: i64, now: Timestamp) -> Vec<i64> {
        let family = self.keys.iter().filter(|key| key.family == family);
        let first = family.clone().map(|key| key.number).min();
        let began_grace = |number| {
            let mut keys = self.keys.iter();
            keys.any(|old| old.replaced_by == Some(number) && old.grace_ends.is_some())
        };
        let is_remembered = |number| {
            let mut created = self.created.iter();
            created.any(|created| created.number == number || created.issuer == number)
        };
        let unused = family.filter(|key| {
            let has_ended = key.ended.is_some() || key.grace_ends.is_some_and(|end| end <= now);
            has_ended
                && key.last_used.is_none()
                && key.key.created <= rotation::window_begin(now)
                && Some(key.number) != first
                && !began_grace(key.number)
                && !is_remembered(key.number)
        });
        unused.map(|key| key.number).collect()
    }

    fn admins(&self, without: &[i64], now: Timestamp) -> Admins {
        let others = self.records().filter(|key| !without.contains(&key.key_id));
        let admins: Vec<_> = others
            .filter(|key| last_admin::is_admin(key, now))
            .collect();
        Admins {
            any: !admins.is_empty(),
            lasting: admins.iter().any(|key| last_admin::is_lasting(key, now)),
        }
    }

    fn owner(&self, name: &str, now: Timestamp) -> Owner {
        let keys = self.records().filter(|key| key.owner == name);
        Owner {
            id: name.to_owned(),
            principal: Principal::of(name),
            created_at: self.owners[name].created,
            disabled_at: self.owners[name].disabled,
            active_keys: keys
                .filter(|key| key.state(now) == KeyState::Active)
                .count() as u64,
        }
    }
}

impl Model {
    pub(super) fn new(first: NewKey, clock: Arc<Clock>) -> Self {
        let mut state = State {
            projects: vec!["default".to_owned()],
            ..State::default()
        };
        state.insert(first).unwrap();
        Self {
            state: Mutex::new(state),
            clock,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    fn transact<T>(&self, command: impl FnOnce(&mut State) -> Answer<T>) -> Answer<T> {
        let mut state = self.state();
        let before = state.clone();
        command(&mut state).inspect_err(|_| *state = before)
    }

    /// Executes a command of a key like [`Model::transact`], and checks that the key is valid.
    fn transact_as<T>(&self, key: i64, command: impl FnOnce(&mut State) -> Answer<T>) -> Answer<T> {
        let now = self.clock.key_time();
        self.transact(|state| {
            state.check_live(key, now)?;
            command(state)
        })
    }
}
