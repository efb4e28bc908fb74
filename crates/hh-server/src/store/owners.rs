//! Owners: who keys act for.

use std::collections::HashMap;
use std::sync::Arc;

use hh_api::types::{Owner, Principal};
use hh_auth::KeyDigest;
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use uuid::Uuid;

use super::{Store, StoreError, rotation};
use crate::access::Access;
use crate::keys::KeyChanges;
use crate::owner_name;
use crate::quote::quote;

/// The number of keys that work at ?1.
const SELECT: &str = "SELECT id, name, created, disabled, (
    SELECT count(*) FROM api_keys WHERE owner = owners.name AND revoked IS NULL
      AND coalesce(expires > ?1, true) AND coalesce(grace_ends > ?1, true))
  FROM owners";

/// Makes an owner if there is none of the name; a disabled one gets no key.
pub(super) fn ensure(
    connection: &Connection,
    name: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    insert(connection, name, now)?;
    let disabled: bool = connection
        .prepare_cached("SELECT disabled IS NOT NULL FROM owners WHERE name = ?1")?
        .query_row([name], |row| row.get(0))?;
    if disabled {
        return Err(StoreError::Conflict(format!(
            "the owner {} is disabled, so no key can be made for it; name another",
            quote(name)
        )));
    }
    Ok(())
}

/// Reads the owners whose stored names are not the one spelling that [`owner_name::normalize`] gives; the first of several
/// with one spelling counts. Names are never changed, and no owner of such a spelling is created any more, so this holds
/// as long as the server runs.
pub(super) fn spellings(connection: &Connection) -> Result<HashMap<String, String>, StoreError> {
    let mut statement = connection.prepare("SELECT name FROM owners ORDER BY created, name")?;
    let names: Vec<String> = statement
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let mut spellings = HashMap::new();
    for name in &names {
        spellings
            .entry(owner_name::normalize(name))
            .or_insert_with(|| name.clone());
    }
    for name in names {
        if owner_name::normalize(&name) == name {
            spellings.remove(&name);
        }
    }
    Ok(spellings)
}

/// Tells whether there was none of the name.
fn insert(connection: &Connection, name: &str, now: Timestamp) -> Result<bool, StoreError> {
    let inserted = connection
        .prepare_cached(
            "INSERT INTO owners (id, name, created) VALUES (?1, ?2, ?3) ON CONFLICT (name) DO NOTHING",
        )?
        .execute(params![
            Uuid::new_v4().simple().to_string(),
            name,
            now.as_millisecond()
        ])?;
    Ok(inserted == 1)
}

fn owner(row: &Row<'_>) -> Result<Owner, rusqlite::Error> {
    let time = |millis| Timestamp::from_millisecond(millis).unwrap_or(Timestamp::UNIX_EPOCH);
    Ok(Owner {
        id: row.get(0)?,
        principal: Principal::of(&row.get::<_, String>(1)?),
        created_at: time(row.get(2)?),
        disabled_at: row.get::<_, Option<i64>>(3)?.map(time),
        active_keys: row.get::<_, i64>(4)?.unsigned_abs(),
    })
}

fn find(
    connection: &Connection,
    column: &str,
    value: &str,
    now: i64,
) -> Result<Option<Owner>, StoreError> {
    let found = connection
        .prepare_cached(&format!("{SELECT} WHERE {column} = ?2"))?
        .query_row(params![now, value], owner)
        .optional()?;
    Ok(found)
}

impl Store {
    /// Returns the stored spelling of an owner's name.
    pub(crate) fn stored_owner(&self, name: String) -> String {
        self.owner_spellings.get(&name).cloned().unwrap_or(name)
    }

    /// Lists the owners, in order of their names.
    pub(crate) async fn list_owners(&self, access: &Access) -> Result<Vec<Owner>, StoreError> {
        let now = access.key_time().as_millisecond();
        self.readers
            .read(move |connection| {
                let mut statement =
                    connection.prepare_cached(&format!("{SELECT} ORDER BY name"))?;
                let owners = statement.query_map([now], owner)?;
                Ok(owners.collect::<Result<_, _>>()?)
            })
            .await
    }

    /// Creates an owner.
    pub(crate) async fn create_owner(
        &self,
        access: &Access,
        name: String,
    ) -> Result<Owner, StoreError> {
        let (still, now) = (self.still(access.record().key_id), access.key_time());
        let created = self.writer.submit_administration(
            move |connection| {
                still(connection)?;
                let is_new = insert(connection, &name, now)?;
                let found = find(connection, "name", &name, now.as_millisecond())?;
                match found {
                    Some(owner) if is_new => Ok(owner),
                    Some(owner) if owner.disabled_at.is_some() => {
                        Err(StoreError::Conflict(format!(
                            "there was an owner {} already, and it is disabled",
                            quote(&name)
                        )))
                    }
                    _ => Err(StoreError::Conflict(format!(
                        "there is an owner {} already",
                        quote(&name)
                    ))),
                }
            },
            |_| (),
        );
        created.wait().await
    }

    /// Disables an owner and revokes its keys, all or nothing; doing it twice keeps the first time.
    ///
    /// The owner of the key in use cannot be disabled with it, nor one whose keys are the last that can make others.
    /// Returns the number of keys that were revoked too.
    pub(crate) async fn disable_owner(
        &self,
        access: &Access,
        id: &str,
    ) -> Result<(Owner, u64), StoreError> {
        let (still, now) = (
            self.still(access.record().key_id),
            access.key_time().as_millisecond(),
        );
        let (own, id) = (access.record().owner.clone(), id.to_owned());
        let index = Arc::clone(&self.keys);
        let in_memory = Arc::clone(&self.keys);
        let disabled = self.writer.submit_key_change(
            move |connection| {
                still(connection)?;
                let missing = || StoreError::NotFound("there is no such owner".to_owned());
                let name = find(connection, "id", &id, now)?.ok_or_else(missing)?.principal.name;
                if name == own {
                    return Err(StoreError::Conflict(format!(
                        "the key in use belongs to {}, and disabling its owner would end it; use an admin key of another owner",
                        quote(&name)
                    )));
                }
                let had_lasting = rotation::has_lasting_admin(connection, now)?;
                connection.execute(
                    "UPDATE owners SET disabled = coalesce(disabled, ?2) WHERE id = ?1",
                    params![id, now],
                )?;
                let mut revoke = connection.prepare_cached(
                    "UPDATE api_keys SET revoked = ?2 WHERE owner = ?1 AND (revoked IS NULL OR revoked < 0) RETURNING digest",
                )?;
                let digests = revoke
                    .query_map(params![name, now], |row| row.get(0).map(KeyDigest::from_bytes))?
                    .collect::<Result<_, _>>()?;
                rotation::check_some_left(connection, now, had_lasting)?;
                let owner = find(connection, "id", &id, now)?.ok_or_else(missing)?;
                let changes = KeyChanges {
                    revoked: digests,
                    ..KeyChanges::default()
                };
                Ok((owner, changes))
            },
            move |(_, changes)| index.apply(changes),
            move |(_, changes)| {
                in_memory.reject(&changes.revoked);
                StoreError::Unsaved
            },
        );
        let (owner, changes) = disabled.wait().await?;
        Ok((owner, changes.revoked.len() as u64))
    }
}
