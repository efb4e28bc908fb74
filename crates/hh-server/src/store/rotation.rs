//! How keys end: rotation, its grace, and revocation.

mod family;

use std::sync::Arc;

use hh_api::types::KeyState;
use hh_auth::KeyDigest;
use jiff::Timestamp;
use rusqlite::{Connection, named_params};

use super::creations::{self, Once};
use super::keys::{EXPIRED, REPLACED, check_within, find, insert};
use super::{NewKey, Store, StoreError, Stored};
use crate::access::Access;
use crate::keys::{KeyChanges, KeyRecord};

fn by_number(connection: &Connection, key_id: i64) -> Result<KeyRecord, StoreError> {
    find(connection, "k.key_id", key_id)?
        .ok_or_else(|| StoreError::NotFound("there is no such key".to_owned()))
}

fn is_active(connection: &Connection, id: &str, now: Timestamp) -> Result<bool, StoreError> {
    Ok(find(connection, "k.id", id)?.is_some_and(|key| key.state(now) == KeyState::Active))
}

/// Refuses a rotation that would leave more than two keys of one kind working, or bring a dead one back.
fn check_may_rotate(
    connection: &Connection,
    old: &KeyRecord,
    now: Timestamp,
) -> Result<(), StoreError> {
    let refuse = |what: String| Err(StoreError::Conflict(what));
    match old.state(now) {
        KeyState::Active => {}
        KeyState::Revoked | KeyState::Expired | KeyState::Replaced | _ => {
            return refuse(
                "the key works no more, so it cannot be rotated; make a new one".to_owned(),
            );
        }
    }
    if let (Some(new), Some(end)) = (&old.replaced_by, old.grace_ends) {
        return refuse(format!(
            "the key {new} took this one's place already, and this one ends at {end:.0}; rotate that one"
        ));
    }
    if let Some(before) = &old.replaces
        && is_active(connection, before, now)?
    {
        return refuse(format!(
            "the key {before}, whose place this one takes, still works; revoke it first, or wait until it has ended"
        ));
    }
    Ok(())
}

/// Selects keys that can create others and are not about to be replaced: not those in their grace, nor those that a
/// rotation created and nobody has used, whose text may have been lost on the way.
const ADMIN: &str = "level = 'admin' AND all_projects AND revoked IS NULL AND coalesce(expires > :now, true)
  AND grace_ends IS NULL
  AND NOT EXISTS (SELECT 1 FROM api_keys old WHERE old.replaced_by = api_keys.key_id AND old.grace_ends IS NULL)";

/// Narrows [`ADMIN`] to keys that remain valid for at least 30 days.
const LASTING: &str = "coalesce(expires >= :now + 2592000000, true)";

/// Refuses to revoke the last lasting key that can create others (decisions V1: there is no other way in), and where
/// there is none, the last one of any kind.
///
/// One that leaked can be revoked all the same: after it was rotated and the new key was used, or another was created. One
/// that remains valid for less than 30 days can be revoked while any other is left, since it does not count itself.
fn check_not_last(
    connection: &Connection,
    key: &KeyRecord,
    now: Timestamp,
) -> Result<(), StoreError> {
    let sql = format!(
        "SELECT EXISTS (SELECT 1 FROM api_keys WHERE key_id = :key AND level = 'admin' AND all_projects
             AND revoked IS NULL AND coalesce(expires > :now, true) AND coalesce(grace_ends > :now, true))
           AND NOT EXISTS (SELECT 1 FROM api_keys WHERE key_id != :key AND {ADMIN} AND {LASTING})
           AND (EXISTS (SELECT 1 FROM api_keys WHERE key_id = :key AND {ADMIN} AND {LASTING})
             OR NOT EXISTS (SELECT 1 FROM api_keys WHERE key_id != :key AND {ADMIN}))",
    );
    let values = named_params! {":key": key.key_id, ":now": now.as_millisecond()};
    let is_last: bool = connection
        .prepare_cached(&sql)?
        .query_row(values, |row| row.get(0))?;
    if is_last {
        return Err(StoreError::Conflict(
            "this is the last key of level admin for all projects that remains valid for 30 days, and without one no key can be created or revoked; create another first, or rotate this one and use the new key".to_owned(),
        ));
    }
    Ok(())
}

/// Returns whether a key that can create others remains valid for 30 days.
pub(super) fn has_lasting_admin(connection: &Connection, now: i64) -> Result<bool, StoreError> {
    exists(connection, &format!("{ADMIN} AND {LASTING}"), now)
}

fn exists(connection: &Connection, condition: &str, now: i64) -> Result<bool, StoreError> {
    let sql = format!("SELECT EXISTS (SELECT 1 FROM api_keys WHERE {condition})");
    let exists = connection
        .prepare_cached(&sql)?
        .query_row(named_params! {":now": now}, |row| row.get(0))?;
    Ok(exists)
}

/// Refuses a change after which no key could create others, or none that lasts if one did before.
pub(super) fn check_some_left(
    connection: &Connection,
    now: i64,
    had_lasting: bool,
) -> Result<(), StoreError> {
    let is_some_left = if had_lasting {
        has_lasting_admin(connection, now)?
    } else {
        exists(connection, ADMIN, now)?
    };
    if is_some_left {
        return Ok(());
    }
    Err(StoreError::Conflict(
        "no key of level admin for all projects that remains valid for 30 days would be left, and without one no key can be created or revoked; create another first".to_owned(),
    ))
}

fn revoke(connection: &Connection, key_id: i64, now: Timestamp) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "UPDATE api_keys SET revoked = iif(revoked >= 0, revoked, ?2) WHERE key_id = ?1",
        )?
        .execute([key_id, now.as_millisecond()])?;
    Ok(())
}

/// A rotation to do.
pub(crate) struct Rotation {
    /// The number of the key to replace.
    pub(crate) old: i64,
    /// The key that takes its place.
    pub(crate) new: NewKey,
    /// How long the old key works once the new one is used, in milliseconds.
    pub(crate) grace: i64,
    /// The rotations of one family within an hour.
    pub(crate) limit: u32,
}

impl Store {
    /// Stores the key that takes the place of another, in one transaction with what that means for the others.
    pub(crate) async fn rotate_key(
        &self,
        access: &Access,
        rotation: Rotation,
        once: Option<Once>,
    ) -> Result<Stored, StoreError> {
        let issuer = access.record().key_id;
        let Rotation {
            old, new, grace, ..
        } = rotation;
        let (still, index) = (self.still(issuer), Arc::clone(&self.keys));
        let rotated = self.writer.submit_key_change(
            move |connection| {
                let now = new.created;
                still(connection)?;
                if let Some(earlier) = creations::find(connection, issuer, once, now)? {
                    return Ok((Stored::Before(Box::new(earlier)), KeyChanges::default()));
                }
                let old = by_number(connection, old)?;
                check_may_rotate(connection, &old, now)?;
                family::check_rate(connection, old.family, rotation.limit, now)?;
                if old.key_id != issuer {
                    check_within(connection, &old.grant, issuer)?;
                }
                let mut changes = KeyChanges::default();
                if let Some(unused) = &old.replaced_by
                    && let Some(unused) = find(connection, "k.id", unused)?
                {
                    revoke(connection, unused.key_id, now)?;
                    changes.revoked.push(unused.digest);
                }
                let key_id = insert(connection, &new)?;
                connection.execute(
                    "UPDATE api_keys SET replaced_by = ?2, grace = ?3 WHERE key_id = ?1",
                    [old.key_id, key_id, grace],
                )?;
                changes.created.push(new.digest);
                changes.changed.push(old.digest);
                creations::keep(connection, issuer, once, key_id, now)?;
                changes.deleted =
                    family::delete_unused(connection, old.family, rotation.limit, now)?;
                Ok((Stored::Now, changes))
            },
            move |(_, changes)| index.apply(changes),
            |_| StoreError::DiskFull,
        );
        Ok(rotated.wait().await?.0)
    }

    /// Begins the grace of the key whose place the access's key takes, once.
    pub(crate) async fn begin_grace(&self, access: &Access) -> Result<(), StoreError> {
        let (new, now) = (access.record().key_id, access.key_time().as_millisecond());
        let (still, index) = (self.still(new), Arc::clone(&self.keys));
        let begun = self.writer.submit_key_change(
            move |connection| {
                still(connection)?;
                let sql = "UPDATE api_keys SET grace_ends = ?2 + grace WHERE replaced_by = ?1 AND grace_ends IS NULL RETURNING digest";
                Ok(connection
                    .prepare_cached(sql)?
                    .query_map([new, now], |row| row.get(0).map(KeyDigest::from_bytes))?
                    .collect::<Result<_, _>>()?)
            },
            move |changed: &Vec<KeyDigest>| {
                index.apply(&KeyChanges {
                    changed: changed.clone(),
                    ..KeyChanges::default()
                });
            },
            |_| StoreError::DiskFull,
        );
        begun.wait().await.map(drop)
    }

    /// Revokes a key that [`Store::get_key`] found, and returns it; doing it twice keeps the first time.
    pub(crate) async fn revoke_key(
        &self,
        access: &Access,
        key: &KeyRecord,
    ) -> Result<KeyRecord, StoreError> {
        let (now, key_id) = (access.key_time(), key.key_id);
        let (still, index) = (self.still(access.record().key_id), Arc::clone(&self.keys));
        let in_memory = Arc::clone(&self.keys);
        let revoked = self.writer.submit_key_change(
            move |connection| {
                still(connection)?;
                let key = by_number(connection, key_id)?;
                check_not_last(connection, &key, now)?;
                revoke(connection, key_id, now)?;
                // Without its unused replacement a key goes on as if it had not been rotated.
                let sql = "UPDATE api_keys SET replaced_by = NULL, grace = NULL WHERE replaced_by = ?1 AND grace_ends IS NULL RETURNING digest";
                let replaced = connection
                    .prepare_cached(sql)?
                    .query_map([key_id], |row| row.get(0).map(KeyDigest::from_bytes))?
                    .collect::<Result<_, _>>()?;
                let changes = KeyChanges {
                    revoked: vec![key.digest],
                    changed: replaced,
                    ..KeyChanges::default()
                };
                Ok((by_number(connection, key_id)?, changes))
            },
            move |(_, changes)| index.apply(changes),
            move |(_, changes)| {
                in_memory.reject(&changes.revoked);
                StoreError::Unsaved
            },
        );
        Ok(revoked.wait().await?.0)
    }

    /// Stores that a key was refused for its date, so that it stays ended when the clock is set back.
    ///
    /// This is kept by key and not as the latest time that was seen: a clock that was wrong then ends the keys that were
    /// refused meanwhile, and no others.
    pub(crate) async fn close_key(
        &self,
        key: &KeyRecord,
        state: KeyState,
    ) -> Result<(), StoreError> {
        let value = if state == KeyState::Replaced {
            REPLACED
        } else {
            EXPIRED
        };
        let (key_id, digest, index) = (key.key_id, key.digest, Arc::clone(&self.keys));
        let closed = self.writer.submit_then(
            None,
            move |connection| {
                let sql = "UPDATE api_keys SET revoked = ?2 WHERE key_id = ?1 AND revoked IS NULL";
                Ok(connection.execute(sql, [key_id, value])?)
            },
            move |_| {
                index.apply(&KeyChanges {
                    changed: vec![digest],
                    ..KeyChanges::default()
                });
            },
        );
        closed.wait().await.map(drop)
    }
}
