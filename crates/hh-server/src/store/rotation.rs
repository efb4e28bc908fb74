//! How keys end: rotation, its grace, and revocation.

use std::sync::Arc;

use hh_api::types::KeyState;
use hh_auth::KeyDigest;
use jiff::Timestamp;
use rusqlite::{Connection, named_params};

use super::creations::{self, Once};
use super::keys::{check_within, find, insert};
use super::{NewKey, Store, StoreError, Stored};
use crate::access::Access;
use crate::keys::{Ended, KeyRecord};

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

/// Tells a key that can make others, and goes on to: not one that is about to end for another, nor one that a rotation
/// made and nobody has used, whose text may have been lost on the way. One with an end of its own counts: whoever gave
/// it that knows.
const LASTING_ADMIN: &str = "level = 'admin' AND all_projects AND revoked IS NULL AND coalesce(expires > :now, true)
  AND grace_ends IS NULL
  AND NOT EXISTS (SELECT 1 FROM api_keys old WHERE old.replaced_by = api_keys.key_id AND old.grace_ends IS NULL)";

/// Refuses to end the last key that can make others (decisions V1: there is no other way in).
///
/// One that leaked can be ended all the same: by rotating it without a grace and using the new key, or by making another
/// first.
fn check_not_last(
    connection: &Connection,
    key: &KeyRecord,
    now: Timestamp,
) -> Result<(), StoreError> {
    let sql = format!(
        "SELECT EXISTS (SELECT 1 FROM api_keys WHERE key_id = :key AND level = 'admin' AND all_projects
             AND revoked IS NULL AND coalesce(expires > :now, true) AND coalesce(grace_ends > :now, true))
           AND NOT EXISTS (SELECT 1 FROM api_keys WHERE key_id != :key AND {LASTING_ADMIN})",
    );
    let values = named_params! {":key": key.key_id, ":now": now.as_millisecond()};
    let is_last: bool = connection
        .prepare_cached(&sql)?
        .query_row(values, |row| row.get(0))?;
    if is_last {
        return Err(StoreError::Conflict(
            "this is the last key of level admin for all projects, and without one no key can be made or revoked; make another first, or rotate this one and use the new key".to_owned(),
        ));
    }
    Ok(())
}

/// Refuses a change after which no key could make others.
pub(super) fn check_some_left(connection: &Connection, now: i64) -> Result<(), StoreError> {
    let sql = format!("SELECT EXISTS (SELECT 1 FROM api_keys WHERE {LASTING_ADMIN})");
    let is_some_left: bool = connection
        .prepare_cached(&sql)?
        .query_row(named_params! {":now": now}, |row| row.get(0))?;
    if is_some_left {
        return Ok(());
    }
    Err(StoreError::Conflict(
        "no key of level admin for all projects would be left, and without one no key can be made or revoked; make another first".to_owned(),
    ))
}

fn revoke(connection: &Connection, key_id: i64, now: Timestamp) -> Result<(), StoreError> {
    connection
        .prepare_cached("UPDATE api_keys SET revoked = coalesce(revoked, ?2) WHERE key_id = ?1")?
        .execute([key_id, now.as_millisecond()])?;
    Ok(())
}

impl Store {
    /// Stores the key that takes the place of another, in one transaction with what that means for the others.
    pub(crate) async fn rotate_key(
        &self,
        access: &Access,
        old: i64,
        new: NewKey,
        grace: i64,
        once: Option<Once>,
    ) -> Result<Stored, StoreError> {
        let issuer = access.record().key_id;
        let (still, index) = (self.still(issuer), Arc::clone(&self.keys));
        let rotated = self.writer.submit_key_change(
            move |connection| {
                let now = new.created;
                still(connection)?;
                if let Some(earlier) = creations::find(connection, issuer, once, now)? {
                    return Ok((Stored::Before(Box::new(earlier)), Ended::default()));
                }
                let old = by_number(connection, old)?;
                check_may_rotate(connection, &old, now)?;
                if old.key_id != issuer {
                    check_within(connection, &old.grant, issuer)?;
                }
                let mut ended = Ended::default();
                if let Some(unused) = &old.replaced_by
                    && let Some(unused) = find(connection, "k.id", unused)?
                {
                    revoke(connection, unused.key_id, now)?;
                    ended.revoked.push(unused.digest);
                }
                let key_id = insert(connection, &new)?;
                connection.execute(
                    "UPDATE api_keys SET replaced_by = ?2, grace = ?3 WHERE key_id = ?1",
                    [old.key_id, key_id, grace],
                )?;
                ended.changed.push(old.digest);
                creations::keep(connection, issuer, once, key_id, now)?;
                Ok((Stored::Now, ended))
            },
            move |(_, ended)| index.apply(ended),
            |_| StoreError::DiskFull,
        );
        Ok(rotated.wait().await?.0)
    }

    /// Begins the grace of the key whose place the access's key takes, once.
    pub(crate) async fn begin_grace(&self, access: &Access) -> Result<(), StoreError> {
        let (new, now) = (access.record().key_id, access.now().as_millisecond());
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
                index.apply(&Ended {
                    changed: changed.clone(),
                    revoked: Vec::new(),
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
        let (now, key_id) = (access.now(), key.key_id);
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
                let changed = connection
                    .prepare_cached(sql)?
                    .query_map([key_id], |row| row.get(0).map(KeyDigest::from_bytes))?
                    .collect::<Result<_, _>>()?;
                let ended = Ended {
                    revoked: vec![key.digest],
                    changed,
                };
                Ok((by_number(connection, key_id)?, ended))
            },
            move |(_, ended)| index.apply(ended),
            move |(_, ended)| {
                in_memory.reject(&ended.revoked);
                StoreError::Unsaved
            },
        );
        Ok(revoked.wait().await?.0)
    }
}
