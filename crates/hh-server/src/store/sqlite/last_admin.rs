//! Queries which keys can create other keys, to protect the last one (see [`crate::domain::last_admin`]).

use jiff::Timestamp;
use rusqlite::{Connection, named_params};

use super::key_rows::find;
use crate::domain::keys::KeyRecord;
use crate::domain::last_admin::{
    Admins, LASTING, can_create_keys, check_earlier_expiry, check_revocation,
};
use crate::store::port::StoreError;

/// The SQL form of [`is_admin`](crate::domain::last_admin::is_admin).
const ADMIN: &str = "level = 'admin' AND all_projects AND revoked IS NULL AND coalesce(expires > :now, true)
  AND grace_ends IS NULL
  AND NOT EXISTS (SELECT 1 FROM api_keys old WHERE old.replaced_by = api_keys.key_id AND old.grace_ends IS NULL)";

/// The SQL form of [`is_lasting`](crate::domain::last_admin::is_lasting).
const LASTING_ADMIN: &str = "coalesce(expires >= :now + :lasting, true)";

/// Returns which keys exist that can create other keys. The two keys `without` are not counted.
pub(super) fn admins_without(
    connection: &Connection,
    without: [Option<i64>; 2],
    now: Timestamp,
) -> Result<Admins, StoreError> {
    let others =
        format!("FROM api_keys WHERE key_id IS NOT :one AND key_id IS NOT :other AND {ADMIN}");
    let sql = format!(
        "SELECT EXISTS (SELECT 1 {others} AND {LASTING_ADMIN}), EXISTS (SELECT 1 {others})",
    );
    let [one, other] = without;
    let values = named_params! {
        ":one": one,
        ":other": other,
        ":now": now.as_millisecond(),
        ":lasting": LASTING.as_hours() * 60 * 60 * 1000,
    };
    let admins = connection.prepare_cached(&sql)?.query_row(values, |row| {
        Ok(Admins {
            lasting: row.get(0)?,
            any: row.get(1)?,
        })
    })?;
    Ok(admins)
}

/// Checks that a key can be revoked (see [`check_revocation`]).
pub(super) fn check_not_last(
    connection: &Connection,
    key: &KeyRecord,
    now: Timestamp,
) -> Result<(), StoreError> {
    // The query may read every key, so it only runs when needed.
    if !can_create_keys(key, now) {
        return Ok(());
    }
    let others = admins_without(connection, [Some(key.key_id), None], now)?;
    Ok(check_revocation(key, others, now)?)
}

/// Checks that a key can expire earlier (see [`check_earlier_expiry`]).
pub(super) fn check_last_expiry(
    connection: &Connection,
    key: &KeyRecord,
    expires: Timestamp,
    now: Timestamp,
) -> Result<(), StoreError> {
    if !can_create_keys(key, now) {
        return Ok(());
    }
    let replaced = match &key.replaces {
        Some(id) => find(connection, "k.id", id)?.map(|replaced| replaced.key_id),
        None => None,
    };
    let others = admins_without(connection, [Some(key.key_id), replaced], now)?;
    Ok(check_earlier_expiry(key, expires, others, now)?)
}
