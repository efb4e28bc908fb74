//! Facts for the rule of the last key that can create others.

use jiff::Timestamp;
use rusqlite::{Connection, named_params};

use crate::domain::keys::KeyRecord;
use crate::domain::last_admin::{Admins, LASTING, can_create_keys, check_revocation};
use crate::store::port::StoreError;

/// Selects what [`is_admin`](crate::domain::last_admin::is_admin) is true for.
const ADMIN: &str = "level = 'admin' AND all_projects AND revoked IS NULL AND coalesce(expires > :now, true)
  AND grace_ends IS NULL
  AND NOT EXISTS (SELECT 1 FROM api_keys old WHERE old.replaced_by = api_keys.key_id AND old.grace_ends IS NULL)";

/// Narrows [`ADMIN`] to what [`is_lasting`](crate::domain::last_admin::is_lasting) is true for.
const LASTING_ADMIN: &str = "coalesce(expires >= :now + :lasting, true)";

/// Returns which keys there are that can create others, without one.
pub(super) fn admins_without(
    connection: &Connection,
    key_id: Option<i64>,
    now: Timestamp,
) -> Result<Admins, StoreError> {
    let sql = format!(
        "SELECT EXISTS (SELECT 1 FROM api_keys WHERE key_id IS NOT :key AND {ADMIN} AND {LASTING_ADMIN}),
           EXISTS (SELECT 1 FROM api_keys WHERE key_id IS NOT :key AND {ADMIN})",
    );
    let values = named_params! {
        ":key": key_id,
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

/// Refuses to revoke the last key that can create others.
pub(super) fn check_not_last(
    connection: &Connection,
    key: &KeyRecord,
    now: Timestamp,
) -> Result<(), StoreError> {
    // The facts may take a look at every key.
    if !can_create_keys(key, now) {
        return Ok(());
    }
    let others = admins_without(connection, Some(key.key_id), now)?;
    Ok(check_revocation(key, others, now)?)
}
