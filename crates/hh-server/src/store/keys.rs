//! API keys: digests only, never a key (decisions K7).

use std::collections::BTreeSet;
use std::sync::atomic::AtomicBool;

use hh_auth::{Grant, KeyDigest, Level, ProjectId, Projects};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::{PEPPER_ID, Store, StoreError};
use crate::access::Access;
use crate::keys::KeyRecord;

/// A key to store.
pub(crate) struct NewKey {
    pub(crate) id: String,
    pub(crate) digest: KeyDigest,
    pub(crate) shown: String,
    pub(crate) name: String,
    pub(crate) owner: String,
    pub(crate) grant: Grant,
    pub(crate) created: Timestamp,
}

const COLUMNS: &str =
    "key_id, id, name, shown, level, all_projects, owner, created, expires, revoked";

pub(super) fn insert(connection: &Connection, key: &NewKey) -> Result<(), StoreError> {
    let all = key.grant.projects == Projects::All;
    connection
        .prepare_cached(
            "INSERT INTO api_keys (id, digest, pepper, name, shown, level, all_projects, owner, created, expires)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
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
    Ok(())
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
        revoked: AtomicBool::new(row.get::<_, Option<i64>>(9)?.is_some()),
    })
}

impl Store {
    /// Finds the key of a digest. The only read that comes before an access.
    pub(crate) async fn key_by_digest(
        &self,
        digest: KeyDigest,
    ) -> Result<Option<KeyRecord>, StoreError> {
        self.readers
            .read(move |connection| {
                let sql = format!("SELECT {COLUMNS} FROM api_keys WHERE digest = ?1");
                Ok(connection
                    .prepare_cached(&sql)?
                    .query_row([digest.as_bytes()], |row| record(connection, row))
                    .optional()?)
            })
            .await
    }

    /// Stores a key that was just minted.
    pub(crate) async fn insert_key(&self, _access: &Access, key: NewKey) -> Result<(), StoreError> {
        self.writer
            .submit(None, move |connection| insert(connection, &key))
            .wait()
            .await
    }

    /// Lists the keys that the access may manage, the latest first.
    pub(crate) async fn list_keys(&self, access: &Access) -> Result<Vec<KeyRecord>, StoreError> {
        let reach = access.record().grant.projects.clone();
        self.readers
            .read(move |connection| {
                let sql = format!("SELECT {COLUMNS} FROM api_keys ORDER BY key_id DESC");
                let mut statement = connection.prepare_cached(&sql)?;
                let all = statement
                    .query_map([], |row| record(connection, row))?
                    .collect::<Result<Vec<_>, _>>()?;
                Ok(all
                    .into_iter()
                    .filter(|key| key.grant.projects.is_within(&reach))
                    .collect())
            })
            .await
    }

    /// Finds a key that the access may manage.
    pub(crate) async fn get_key(&self, access: &Access, id: &str) -> Result<KeyRecord, StoreError> {
        let reach = access.record().grant.projects.clone();
        let id = id.to_owned();
        self.readers
            .read(move |connection| {
                let sql = format!("SELECT {COLUMNS} FROM api_keys WHERE id = ?1");
                connection
                    .prepare_cached(&sql)?
                    .query_row([&id], |row| record(connection, row))
                    .optional()?
                    .filter(|key| key.grant.projects.is_within(&reach))
                    .ok_or_else(|| StoreError::NotFound("there is no such key".to_owned()))
            })
            .await
    }

    /// Revokes a key that [`Store::get_key`] found; doing it twice keeps the first time.
    pub(crate) async fn revoke_key(
        &self,
        access: &Access,
        key: &KeyRecord,
    ) -> Result<KeyDigest, StoreError> {
        let (key_id, now) = (key.key_id, access.now().as_millisecond());
        self.writer
            .submit(None, move |connection| {
                let digest = connection.query_row(
                    "UPDATE api_keys SET revoked = coalesce(revoked, ?2) WHERE key_id = ?1 RETURNING digest",
                    [key_id, now],
                    |row| row.get(0),
                )?;
                Ok(KeyDigest::from_bytes(digest))
            })
            .wait()
            .await
    }
}
