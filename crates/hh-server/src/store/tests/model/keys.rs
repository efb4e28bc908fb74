//! Implements keys, owners and projects of the model.

use hh_api::types::{Change, KeyState, Owner, Project};
use hh_auth::KeyDigest;

use super::*;
use crate::auth::Access;
use crate::domain::keys::{check_expiry, check_new_expiry};
use crate::domain::{last_admin, rotation};

fn created(digest: KeyDigest) -> Changed<InsertOutcome> {
    Changed {
        value: InsertOutcome::Inserted,
        changes: KeyChanges {
            created: vec![digest],
            ..KeyChanges::default()
        },
    }
}

fn repeated(value: InsertOutcome) -> Changed<InsertOutcome> {
    Changed {
        value,
        changes: KeyChanges::default(),
    }
}

fn changed(digests: Vec<KeyDigest>) -> Changed<()> {
    Changed {
        value: (),
        changes: KeyChanges {
            changed: digests,
            ..KeyChanges::default()
        },
    }
}

impl Write<InsertKey> for Model {
    async fn write(
        &self,
        access: &Access,
        command: InsertKey,
        _: Hold,
    ) -> Answer<Changed<InsertOutcome>> {
        let (issuer, InsertKey { key, idempotency }) = (access.record().key_id, command);
        let (digest, now) = (key.digest, key.created);
        self.transact_as(issuer, |state| {
            if let Some(earlier) = state.replay(issuer, idempotency, now)? {
                return Ok(repeated(earlier));
            }
            check_expiry(&key.grant, now)?;
            state.check_within(&key, issuer)?;
            let number = state.insert(key)?;
            state.remember(issuer, idempotency, number, now);
            Ok(created(digest))
        })
    }
}

impl Write<RotateKey> for Model {
    async fn write(
        &self,
        access: &Access,
        command: RotateKey,
        _: Hold,
    ) -> Answer<Changed<InsertOutcome>> {
        let issuer = access.record().key_id;
        let RotateKey {
            old,
            new,
            grace,
            limit,
            idempotency,
        } = command;
        let (digest, now) = (new.digest, new.created);
        self.transact_as(issuer, |state| {
            if let Some(earlier) = state.replay(issuer, idempotency, now)? {
                return Ok(repeated(earlier));
            }
            let old = state.by_number(old)?.clone();
            let record = state.record(&old);
            let replaced = state
                .records()
                .find(|key| Some(&key.id) == record.replaces.as_ref());
            rotation::check_may_rotate(&record, replaced.as_ref(), now)?;
            let family = state.keys.iter().filter(|key| key.family == old.family);
            let mut created_at: Vec<_> = family.skip(1).map(|key| key.key.created).collect();
            created_at.reverse();
            let earliest = created_at.get(limit as usize - 1).copied();
            rotation::check_rate(earliest, limit, now)?;
            if old.number != issuer {
                state.check_within(&old.key, issuer)?;
            }
            let mut answer = created(digest);
            if let Some(unused) = old.replaced_by {
                state.key(unused).ended = Some(KeyState::Revoked);
                answer.changes.revoked.push(state.key(unused).key.digest);
            }
            let number = state.insert(new)?;
            state.key(old.number).replaced_by = Some(number);
            state.key(old.number).grace = grace;
            answer.changes.changed.push(old.key.digest);
            state.remember(issuer, idempotency, number, now);
            state.expire(now);
            for unused in state.unused(old.family, now) {
                answer.changes.deleted.push(state.key(unused).key.digest);
                state.keys.retain(|key| key.number != unused);
                for key in &mut state.keys {
                    key.replaced_by = key.replaced_by.filter(|new| *new != unused);
                }
            }
            Ok(answer)
        })
    }
}

impl Write<BeginGrace> for Model {
    async fn write(&self, access: &Access, _: BeginGrace, _: Hold) -> Answer<Changed<()>> {
        let (new, now) = (access.record().key_id, access.key_time());
        self.transact_as(new, |state| {
            let keys = state.keys.iter_mut();
            let old = keys.filter(|old| old.replaced_by == Some(new) && old.grace_ends.is_none());
            let begun = old.map(|old| {
                old.grace_ends = Some(at(now.as_millisecond() + old.grace));
                old.key.digest
            });
            Ok(changed(begun.collect()))
        })
    }
}

impl Write<RevokeKey> for Model {
    async fn write(
        &self,
        access: &Access,
        RevokeKey { key_id }: RevokeKey,
        _: Hold,
    ) -> Answer<Changed<KeyRecord>> {
        let now = access.key_time();
        self.transact_as(access.record().key_id, |state| {
            let key = state.record(state.by_number(key_id)?);
            let others = state.admins(&[key_id], now);
            last_admin::check_revocation(&key, others, now)?;
            state.key(key_id).ended = Some(KeyState::Revoked);
            let mut kept = Vec::new();
            for old in &mut state.keys {
                if old.replaced_by == Some(key_id) && old.grace_ends.is_none() {
                    old.replaced_by = None;
                    kept.push(old.key.digest);
                }
            }
            let changes = KeyChanges {
                revoked: vec![key.digest],
                changed: kept,
                ..KeyChanges::default()
            };
            let value = state.record(state.by_number(key_id)?);
            Ok(Changed { value, changes })
        })
    }
}

impl Write<UpdateKey> for Model {
    async fn write(
        &self,
        access: &Access,
        update: UpdateKey,
        _: Hold,
    ) -> Answer<Changed<KeyRecord>> {
        let (issuer, now) = (access.record().key_id, access.key_time());
        self.transact_as(issuer, |state| {
            let key = state.by_number(update.key_id)?.clone();
            if key.number != issuer {
                state.check_within(&key.key, issuer)?;
            }
            if let Some(expires) = update.expires {
                let record = state.record(&key);
                check_new_expiry(&record, expires, now)?;
                let replaced = state.keys.iter();
                let replaced = replaced.filter(|old| old.replaced_by == Some(key.number));
                let mut without = vec![key.number];
                without.extend(replaced.map(|old| old.number));
                let others = state.admins(&without, now);
                last_admin::check_earlier_expiry(&record, expires, others, now)?;
                state.key(key.number).key.grant.expires = Some(expires);
            }
            let stored = &mut state.key(key.number).key;
            if let Some(name) = update.name {
                stored.name = name;
            }
            match update.note {
                Change::Keep => {}
                Change::Remove => stored.note = None,
                Change::Set(note) => stored.note = Some(note),
            }
            let changes = changed(vec![key.key.digest]).changes;
            let value = state.record(state.by_number(key.number)?);
            Ok(Changed { value, changes })
        })
    }
}

impl Write<CloseKey> for Model {
    async fn write(&self, _: &ServerAccess, command: CloseKey, _: Hold) -> Answer<Changed<()>> {
        self.transact(|state| {
            let key = state.key(command.key_id);
            key.ended = key.ended.or(Some(command.state));
            Ok(changed(vec![command.digest]))
        })
    }
}

impl Write<SaveUses> for Model {
    async fn write(&self, _: &ServerAccess, command: SaveUses, _: Hold) -> Answer<()> {
        self.transact(|state| {
            for (number, millis) in command.uses {
                let key = state.key(number);
                key.last_used = key.last_used.max(Some(at(millis)));
            }
            Ok(())
        })
    }
}

impl Write<CreateOwner> for Model {
    async fn write(&self, access: &Access, command: CreateOwner, _: Hold) -> Answer<Owner> {
        let (name, now) = (command.name, access.key_time());
        self.transact_as(access.record().key_id, |state| {
            match state.owners.get(&name) {
                Some(owner) if owner.disabled.is_some() => Err(StoreError::conflict(format!(
                    "owner {name} already exists and is disabled"
                ))),
                Some(_) => Err(StoreError::conflict(format!("owner {name} already exists"))),
                None => {
                    let owner = ModelOwner {
                        created: now,
                        disabled: None,
                    };
                    state.owners.insert(name.clone(), owner);
                    Ok(state.owner(&name, now))
                }
            }
        })
    }
}

impl Write<DisableOwner> for Model {
    async fn write(
        &self,
        access: &Access,
        DisableOwner { id: name }: DisableOwner,
        _: Hold,
    ) -> Answer<Changed<Owner>> {
        let (own, now) = (access.record(), access.key_time());
        self.transact_as(own.key_id, |state| {
            if !state.owners.contains_key(&name) {
                return Err(unknown("owner"));
            }
            if name == own.owner {
                return Err(StoreError::conflict(format!(
                    "cannot disable owner {name}, because the API key of this request belongs to it; use an admin key of another owner"
                )));
            }
            let had_lasting = state.admins(&[], now).lasting;
            let owner = state.owners.get_mut(&name).unwrap();
            owner.disabled = owner.disabled.or(Some(now));
            let mut revoked = Vec::new();
            for key in &mut state.keys {
                if key.key.owner == name && key.ended != Some(KeyState::Revoked) {
                    key.ended = Some(KeyState::Revoked);
                    revoked.push(key.key.digest);
                }
            }
            last_admin::check_some_left(had_lasting, state.admins(&[], now))?;
            let changes = KeyChanges {
                revoked,
                ..KeyChanges::default()
            };
            let value = state.owner(&name, now);
            Ok(Changed { value, changes })
        })
    }
}

impl Write<EnableOwner> for Model {
    async fn write(
        &self,
        access: &Access,
        EnableOwner { id: name }: EnableOwner,
        _: Hold,
    ) -> Answer<Owner> {
        let now = access.key_time();
        self.transact_as(access.record().key_id, |state| {
            let owner = state.owners.get_mut(&name);
            owner.ok_or_else(|| unknown("owner"))?.disabled = None;
            Ok(state.owner(&name, now))
        })
    }
}

impl Write<CreateProject> for Model {
    async fn write(&self, access: &Access, command: CreateProject, _: Hold) -> Answer<Project> {
        let CreateProject { name, description } = command;
        self.transact_as(access.record().key_id, |state| {
            if state.projects.contains(&name) {
                return Err(StoreError::conflict(format!(
                    "project \"{name}\" already exists"
                )));
            }
            state.projects.push(name.clone());
            Ok(Project {
                id: String::new(),
                name,
                description,
            })
        })
    }
}

impl Read<KeyByDigest> for Model {
    async fn read(
        &self,
        _: &ServerAccess,
        KeyByDigest(digest): KeyByDigest,
    ) -> Answer<Option<KeyRecord>> {
        Ok(self.state().records().find(|key| key.digest == digest))
    }
}

impl Read<GetKey> for Model {
    async fn read(&self, access: &Access, query: GetKey) -> Answer<KeyRecord> {
        let reach = &access.record().grant.projects;
        let state = self.state();
        let found = state.records().find(|key| key.id == query.id);
        found
            .filter(|key| key.grant.projects.is_within(reach))
            .ok_or_else(|| unknown("API key"))
    }
}

impl Read<ListKeys> for Model {
    async fn read(&self, access: &Access, query: ListKeys) -> Answer<Vec<KeyRecord>> {
        let (reach, now) = (&access.record().grant.projects, access.key_time());
        let state = self.state();
        let mut keys: Vec<_> = state
            .records()
            .filter(|key| query.after.is_none_or(|after| key.key_id < after))
            .filter(|key| query.with_ended || key.state(now) == KeyState::Active)
            .filter(|key| key.grant.projects.is_within(reach))
            .collect();
        keys.reverse();
        keys.truncate(query.limit as usize);
        Ok(keys)
    }
}

impl Read<ListOwners> for Model {
    async fn read(&self, access: &Access, _: ListOwners) -> Answer<Vec<Owner>> {
        let (state, now) = (self.state(), access.key_time());
        let names = state.owners.keys();
        Ok(names.map(|name| state.owner(name, now)).collect())
    }
}
