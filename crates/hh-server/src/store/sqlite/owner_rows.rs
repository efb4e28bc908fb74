//! Reads and writes rows of owners, the users and service accounts that keys act for.

use std::collections::HashMap;

use hh_api::types::{Owner, Principal};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use uuid::Uuid;

use crate::owner_name;
use crate::quote::quote;
use crate::store::port::StoreError;

/// Selects owners with the number of their keys that are valid at the time ?1.
pub(super) const SELECT: &str = "SELECT id, name, created, disabled, (
    SELECT count(*) FROM api_keys WHERE owner = owners.name AND revoked IS NULL
      AND coalesce(expires > ?1, true) AND coalesce(grace_ends > ?1, true))
  FROM owners";

/// Creates an owner if no owner has the name. A disabled owner is an error, because it cannot own new keys.
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
        return Err(StoreError::conflict(format!(
            "owner {} is disabled and cannot own new keys; choose another owner",
            quote(name)
        )));
    }
    Ok(())
}

/// Returns the normalized and the stored names of owners whose stored names are not normalized.
///
/// If several owners have the same normalized name, the first one counts. The map stays correct while the server runs,
/// because stored names never change and new names are normalized by [`owner_name::normalize`].
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

/// Inserts an owner if no owner has the name, and returns whether it did.
pub(super) fn insert(
    connection: &Connection,
    name: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
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

pub(super) fn owner(row: &Row<'_>) -> Result<Owner, rusqlite::Error> {
    let time = |millis| Timestamp::from_millisecond(millis).unwrap_or(Timestamp::UNIX_EPOCH);
    Ok(Owner {
        id: row.get(0)?,
        principal: Principal::of(&row.get::<_, String>(1)?),
        created_at: time(row.get(2)?),
        disabled_at: row.get::<_, Option<i64>>(3)?.map(time),
        active_keys: row.get::<_, i64>(4)?.unsigned_abs(),
    })
}

pub(super) fn find(
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
