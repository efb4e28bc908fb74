//! How keys end: rotation, its grace, and revocation.

use hh_api::types::KeyState;
use hh_auth::KeyDigest;
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::creations::{self, Once};
use super::keys::{check_not_revoked, find, insert};
use super::{NewKey, Store, StoreError, Stored};
use crate::access::Access;
use crate::keys::KeyRecord;

/// What a change means for the keys in memory.
#[derive(Default)]
pub(crate) struct Ended {
    /// Keys that do not work any more.
    pub(crate) revoked: Vec<KeyDigest>,
    /// Keys that changed in another way.
    pub(crate) changed: Vec<KeyDigest>,
}

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

/// Refuses to end the last key that can make others (decisions V1: there is no other way in).
///
/// One that leaked can be ended all the same: by rotating it without a grace, or by making another first. A key that is
/// about to end for another one does not count, one with an end of its own does: whoever gave it that knows.
fn check_not_last(
    connection: &Connection,
    key: &KeyRecord,
    now: Timestamp,
) -> Result<(), StoreError> {
    const ADMIN: &str =
        "level = 'admin' AND all_projects AND revoked IS NULL AND coalesce(expires > ?2, true)";

    let sql = format!(
        "SELECT EXISTS (SELECT 1 FROM api_keys WHERE key_id = ?1 AND {ADMIN} AND coalesce(grace_ends > ?2, true))
           AND NOT EXISTS (SELECT 1 FROM api_keys WHERE key_id != ?1 AND {ADMIN} AND grace_ends IS NULL)",
    );
    let is_last: bool = connection
        .prepare_cached(&sql)?
        .query_row(params![key.key_id, now.as_millisecond()], |row| row.get(0))?;
    if is_last {
        return Err(StoreError::Conflict(
            "this is the last key of level admin for all projects, and without one no key can be made or revoked; make another first, or rotate this one".to_owned(),
        ));
    }
    Ok(())
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
    ) -> Result<(Stored, Ended), StoreError> {
        let issuer = access.record().key_id;
        self.writer
            .submit(None, move |connection| {
                let now = new.created;
                check_not_revoked(connection, issuer)?;
                if let Some(earlier) = creations::find(connection, issuer, once, now)? {
                    return Ok((Stored::Before(Box::new(earlier)), Ended::default()));
                }
                let old = by_number(connection, old)?;
                check_may_rotate(connection, &old, now)?;
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
            })
            .wait()
            .await
    }

    /// Begins the grace of the key whose place the access's key takes, once; returns that key if it is now.
    pub(crate) async fn begin_grace(
        &self,
        access: &Access,
    ) -> Result<Option<KeyDigest>, StoreError> {
        let (new, now) = (access.record().key_id, access.now().as_millisecond());
        self.writer
            .submit(None, move |connection| {
                check_not_revoked(connection, new)?;
                let sql = "UPDATE api_keys SET grace_ends = ?2 + grace WHERE replaced_by = ?1 AND grace_ends IS NULL RETURNING digest";
                Ok(connection
                    .prepare_cached(sql)?
                    .query_row([new, now], |row| row.get(0).map(KeyDigest::from_bytes))
                    .optional()?)
            })
            .wait()
            .await
    }

    /// Revokes a key that [`Store::get_key`] found, and returns it; doing it twice keeps the first time.
    pub(crate) async fn revoke_key(
        &self,
        access: &Access,
        key: &KeyRecord,
    ) -> Result<(KeyRecord, Ended), StoreError> {
        let (issuer, now, key_id) = (access.record().key_id, access.now(), key.key_id);
        self.writer
            .submit(None, move |connection| {
                check_not_revoked(connection, issuer)?;
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
            })
            .wait()
            .await
    }
}
