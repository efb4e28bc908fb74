//! API keys: digests only, never a key (decisions K7).

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use hh_api::types::KeyState;
use hh_auth::{Grant, KeyDigest, Level, ProjectId, Projects};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, ToSql, named_params, params};

use super::creations::{self, Once};
use super::{PEPPER_ID, Store, StoreError, owners};
use crate::access::Access;
use crate::keys::{KeyIndex, KeyRecord, LastUse};

/// A key to store.
pub(crate) struct NewKey {
    pub(crate) id: String,
    pub(crate) digest: KeyDigest,
    pub(crate) shown: String,
    pub(crate) name: String,
    pub(crate) note: Option<String>,
    pub(crate) owner: String,
    pub(crate) grant: Grant,
    pub(crate) created: Timestamp,
    /// The rotation family to continue; `None` starts a new one.
    pub(crate) family: Option<i64>,
}

/// A page of the list of keys.
pub(crate) struct KeyQuery {
    /// The number of keys.
    pub(crate) limit: u32,
    /// The number of the last key of the page before.
    pub(crate) after: Option<i64>,
    /// Keys that do not work any more are listed too.
    pub(crate) with_ended: bool,
}

/// What `revoked` holds of a key that was refused for its date, in place of when it was revoked: it ended for good.
pub(super) const EXPIRED: i64 = -1;
/// As [`EXPIRED`], for a key whose grace was over.
pub(super) const REPLACED: i64 = -2;

/// What became of a key to store.
pub(crate) enum Stored {
    /// It is stored.
    Now,
    /// It is not: this one was made by an earlier request of which this is a repetition.
    Before(Box<KeyRecord>),
}

const SELECT: &str = "SELECT k.key_id, k.id, k.name, k.shown, k.level, k.all_projects, k.owner, k.created, k.expires,
    k.revoked, k.digest, k.note, k.last_used, k.grace_ends, new.id, old.id, old.key_id IS NOT NULL AND old.grace_ends IS NULL, k.family
  FROM api_keys k
  LEFT JOIN api_keys new ON new.key_id = k.replaced_by
  LEFT JOIN api_keys old ON old.replaced_by = k.key_id";

/// Selects a page; `:narrow` is a key that applies to some projects only, and manages keys within them.
const PAGE: &str = "WHERE k.key_id < coalesce(:after, 9223372036854775807)
  AND (:with_ended OR k.revoked IS NULL AND coalesce(k.expires > :now, true) AND coalesce(k.grace_ends > :now, true))
  AND (:narrow IS NULL OR NOT k.all_projects AND NOT EXISTS (
    SELECT 1 FROM key_projects p WHERE p.key_id = k.key_id
      AND p.project NOT IN (SELECT project FROM key_projects WHERE key_id = :narrow)))
  ORDER BY k.key_id DESC LIMIT :limit";

/// Tells the index of the keys in memory which digests there are.
pub(super) fn load_digests(connection: &Connection, keys: &KeyIndex) -> Result<(), StoreError> {
    let mut statement = connection.prepare("SELECT digest FROM api_keys")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        // No key has a digest of another length.
        if let Ok(digest) = row.get(0) {
            keys.add(&KeyDigest::from_bytes(digest));
        }
    }
    Ok(())
}

/// Inserts a key and, if nobody has used the name yet, its owner.
pub(super) fn insert(connection: &Connection, key: &NewKey) -> Result<i64, StoreError> {
    owners::ensure(connection, &key.owner, key.created)?;
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

/// Finds the key of a condition on `k`.
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

/// Refuses what a key asked for that ended while the request went on.
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

/// Refuses a key that would have what its issuer has no more: the grace of that may have begun since its request was let in.
pub(super) fn check_within(
    connection: &Connection,
    grant: &Grant,
    issuer: i64,
) -> Result<(), StoreError> {
    let issuer = find(connection, "k.key_id", issuer)?;
    let is_within = issuer.is_some_and(|issuer| grant.is_within(&issuer.lasting()));
    is_within.then_some(()).ok_or(StoreError::Ended)
}

fn record(connection: &Connection, row: &Row<'_>) -> Result<KeyRecord, rusqlite::Error> {
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
            // A level that this version does not know must not open anything.
            level: Level::find(&level).ok_or(rusqlite::Error::InvalidQuery)?,
            projects,
            expires,
        },
        owner: row.get(6)?,
        created: time(7)?.unwrap_or(Timestamp::UNIX_EPOCH),
        revoked: AtomicBool::new(revoked.is_some() && closed.is_none()),
        closed,
        digest: KeyDigest::from_bytes(row.get(10)?),
        note: row.get(11)?,
        last_use: Arc::new(LastUse::new(row.get(12)?)),
        grace_ends: time(13)?,
        replaced_by: row.get(14)?,
        replaces: row.get(15)?,
        begins_grace: AtomicBool::new(row.get(16)?),
        family: row.get(17)?,
    })
}

impl Store {
    /// Finds the key of a digest. The only read that comes before an access.
    pub(crate) async fn key_by_digest(
        &self,
        digest: KeyDigest,
    ) -> Result<Option<KeyRecord>, StoreError> {
        self.readers
            .look_up(move |connection| find(connection, "k.digest", digest.as_bytes()))
            .await
    }

    /// Stores a key that was just minted, unless a request before did so under the same `Idempotency-Key`.
    pub(crate) async fn insert_key(
        &self,
        access: &Access,
        key: NewKey,
        once: Option<Once>,
    ) -> Result<Stored, StoreError> {
        let issuer = access.record().key_id;
        let (still, index) = (self.still(issuer), Arc::clone(&self.keys));
        let digest = key.digest;
        let stored = self.writer.submit_administration(
            move |connection| {
                still(connection)?;
                if let Some(earlier) = creations::find(connection, issuer, once, key.created)? {
                    return Ok(Stored::Before(Box::new(earlier)));
                }
                if key.grant.expires.is_some_and(|end| end <= key.created) {
                    return Err(StoreError::Invalid("expires_at is in the past".to_owned()));
                }
                check_within(connection, &key.grant, issuer)?;
                let key_id = insert(connection, &key)?;
                creations::keep(connection, issuer, once, key_id, key.created)?;
                Ok(Stored::Now)
            },
            move |stored| {
                if matches!(stored, Stored::Now) {
                    index.add(&digest);
                }
            },
        );
        stored.wait().await
    }

    /// Lists keys that the access may manage, the latest first.
    pub(crate) async fn list_keys(
        &self,
        access: &Access,
        query: KeyQuery,
    ) -> Result<Vec<KeyRecord>, StoreError> {
        let now = access.key_time().as_millisecond();
        let record = access.record();
        let narrow = (record.grant.projects != Projects::All).then_some(record.key_id);
        self.readers
            .read(move |connection| {
                let mut statement = connection.prepare_cached(&format!("{SELECT} {PAGE}"))?;
                let values = named_params! {
                    ":after": query.after,
                    ":with_ended": query.with_ended,
                    ":now": now,
                    ":narrow": narrow,
                    ":limit": query.limit,
                };
                let keys = statement.query_map(values, |row| self::record(connection, row))?;
                Ok(keys.collect::<Result<_, _>>()?)
            })
            .await
    }

    /// Finds a key that the access may manage.
    pub(crate) async fn get_key(&self, access: &Access, id: &str) -> Result<KeyRecord, StoreError> {
        let reach = access.record().grant.projects.clone();
        let id = id.to_owned();
        self.readers
            .read(move |connection| {
                find(connection, "k.id", id)?
                    .filter(|key| key.grant.projects.is_within(&reach))
                    .ok_or_else(|| StoreError::NotFound("there is no such key".to_owned()))
            })
            .await
    }

    /// Writes when keys were last used: pairs of key numbers and milliseconds.
    pub(crate) async fn save_uses(&self, uses: Vec<(i64, i64)>) -> Result<(), StoreError> {
        if uses.is_empty() {
            return Ok(());
        }
        let pepper_check = self.pepper_check.clone();
        self.writer
            .submit(None, move |connection| {
                // A key that was used was found by its digest, which proves the pepper.
                let sql = "INSERT INTO meta VALUES ('pepper_check', ?1) ON CONFLICT DO NOTHING";
                connection.prepare_cached(sql)?.execute([pepper_check])?;
                let sql = "UPDATE api_keys SET last_used = max(coalesce(last_used, 0), ?2) WHERE key_id = ?1";
                let mut update = connection.prepare_cached(sql)?;
                for (key_id, millis) in uses {
                    update.execute([key_id, millis])?;
                }
                Ok(())
            })
            .wait()
            .await
    }
}
