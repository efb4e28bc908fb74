//! Reads and writes rows of API keys. They contain digests, never the text of a key (see
//! `docs/design/decisions.md#k7`).

use std::collections::BTreeSet;

use hh_api::types::KeyState;
use hh_auth::{Grant, KeyDigest, Level, ProjectId, Projects};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, ToSql, params};

use super::owner_rows;
use crate::domain::keys::{KeyRecord, PEPPER_ID};
use crate::store::commands::NewKey;
use crate::store::port::StoreError;

/// The value of the column `revoked` for a key that was rejected because it had expired. It replaces the time of the
/// revocation, and the key stays expired even if the clock is set back.
pub(super) const EXPIRED: i64 = -1;
/// The value of the column `revoked` for a key that was rejected after its grace period, like [`EXPIRED`].
pub(super) const REPLACED: i64 = -2;

pub(super) const SELECT: &str = "SELECT k.key_id, k.id, k.name, k.shown, k.level, k.all_projects, k.owner, k.created, k.expires,
    k.revoked, k.digest, k.note, k.last_used, k.grace_ends, new.id, old.id, old.key_id IS NOT NULL AND old.grace_ends IS NULL, k.family, iif(k.replaced_by IS NULL, NULL, k.grace)
  FROM api_keys k
  LEFT JOIN api_keys new ON new.key_id = k.replaced_by
  LEFT JOIN api_keys old ON old.replaced_by = k.key_id";

/// Inserts a key and, if it does not exist yet, its owner.
pub(super) fn insert(connection: &Connection, key: &NewKey) -> Result<i64, StoreError> {
    owner_rows::ensure(connection, &key.owner, key.created)?;
    let all = key.grant.projects == Projects::All;
    connection
        .prepare_cached(
            "INSERT INTO api_keys (id, digest, pepper, name, shown, level, all_projects, owner, created, expires, note, family)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, coalesce(?12, random()))",
        )?
        .execute(params![
            key.id,
            key.digest.as_bytes(),
            PEPPER_ID,
            key.name,
            key.shown,
            key.grant.level.as_str(),
            all,
            key.owner,
            key.created.as_millisecond(),
            key.grant.expires.map(Timestamp::as_millisecond),
            key.note,
            key.family,
        ])?;
    let key_id = connection.last_insert_rowid();
    if let Projects::Only(list) = &key.grant.projects {
        for project in list {
            connection.execute(
                "INSERT INTO key_projects VALUES (?1, ?2)",
                [key_id, project.number()],
            )?;
        }
    }
    Ok(key_id)
}

/// Finds the key that matches a condition on `k`.
pub(super) fn find(
    connection: &Connection,
    condition: &str,
    value: impl ToSql,
) -> Result<Option<KeyRecord>, StoreError> {
    let found = connection
        .prepare_cached(&format!("{SELECT} WHERE {condition} = ?1"))?
        .query_row([value], |row| record(connection, row))
        .optional()?;
    Ok(found)
}

/// Checks that a key is still valid: it may have been revoked or have expired since its request was authorized.
pub(super) fn check_live(
    connection: &Connection,
    access: i64,
    now: Timestamp,
) -> Result<(), StoreError> {
    let is_live = "SELECT revoked IS NULL AND coalesce(expires > ?2, true) AND coalesce(grace_ends > ?2, true)
      FROM api_keys WHERE key_id = ?1";
    let is_live: bool = connection
        .prepare_cached(is_live)?
        .query_row([access, now.as_millisecond()], |row| row.get(0))?;
    is_live.then_some(()).ok_or(StoreError::Ended)
}

/// Checks that the issuer of a key may still grant its rights: the grace period of the issuer may have begun since its
/// request was authorized.
pub(super) fn check_within(
    connection: &Connection,
    grant: &Grant,
    issuer: i64,
) -> Result<(), StoreError> {
    let issuer = find(connection, "k.key_id", issuer)?;
    let is_within = issuer.is_some_and(|issuer| issuer.can_grant(grant));
    is_within.then_some(()).ok_or(StoreError::Ended)
}

pub(super) fn record(connection: &Connection, row: &Row<'_>) -> Result<KeyRecord, rusqlite::Error> {
    let key_id: i64 = row.get(0)?;
    let level: String = row.get(4)?;
    let time = |column: usize| -> Result<Option<Timestamp>, rusqlite::Error> {
        let millis: Option<i64> = row.get(column)?;
        Ok(millis.and_then(|millis| Timestamp::from_millisecond(millis).ok()))
    };
    let projects = if row.get(5)? {
        Projects::All
    } else {
        let mut statement =
            connection.prepare_cached("SELECT project FROM key_projects WHERE key_id = ?1")?;
        let list = statement
            .query_map([key_id], |row| Ok(ProjectId::new(row.get(0)?)))?
            .collect::<Result<BTreeSet<_>, _>>()?;
        Projects::Only(list)
    };
    let expires = time(8)?;
    let revoked: Option<i64> = row.get(9)?;
    let closed = match revoked {
        Some(EXPIRED) => Some(KeyState::Expired),
        Some(REPLACED) => Some(KeyState::Replaced),
        Some(_) | None => None,
    };
    Ok(KeyRecord {
        key_id,
        id: row.get(1)?,
        name: row.get(2)?,
        shown: row.get(3)?,
        grant: Grant {
            // A level that this version does not support must not grant any right.
            level: Level::find(&level).ok_or(rusqlite::Error::InvalidQuery)?,
            projects,
            expires,
        },
        owner: row.get(6)?,
        created: time(7)?.unwrap_or(Timestamp::UNIX_EPOCH),
        is_revoked: revoked.is_some() && closed.is_none(),
        closed,
        digest: KeyDigest::from_bytes(row.get(10)?),
        note: row.get(11)?,
        last_used: time(12)?,
        grace_ends: time(13)?,
        replaced_by: row.get(14)?,
        replaces: row.get(15)?,
        begins_grace: row.get(16)?,
        family: row.get(17)?,
        grace: row.get(18)?,
    })
}

/// Finds a key by its number.
pub(super) fn by_number(connection: &Connection, key_id: i64) -> Result<KeyRecord, StoreError> {
    find(connection, "k.key_id", key_id)?
        .ok_or_else(|| StoreError::NotFound("API key not found".to_owned()))
}
