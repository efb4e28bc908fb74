//! Stores which keys were created with an `Idempotency-Key`, in the table `creations`.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};

use crate::domain::idempotency::{self, IdempotencyKey, IdempotencyRecord};
use crate::store::port::StoreError;

/// Returns the number of the key that an earlier identical request of the same issuer created.
pub(super) fn replay(
    connection: &Connection,
    issuer: i64,
    key: Option<IdempotencyKey>,
    now: Timestamp,
) -> Result<Option<i64>, StoreError> {
    let Some(key) = key else {
        return Ok(None);
    };
    expire(connection, now)?;
    let earlier = connection
        .prepare_cached("SELECT request, key_id FROM creations WHERE issuer = ?1 AND once = ?2")?
        .query_row(params![issuer, key.name], |row| {
            Ok(IdempotencyRecord {
                request: row.get(0)?,
                key_id: row.get(1)?,
            })
        })
        .optional()?;
    Ok(idempotency::replay(earlier, &key)?)
}

/// Deletes expired rows of all issuers, so that the table only contains the rows of one day.
pub(super) fn expire(connection: &Connection, now: Timestamp) -> Result<(), StoreError> {
    let oldest = idempotency::expired_at(now).as_millisecond();
    connection
        .prepare_cached("DELETE FROM creations WHERE created <= ?1")?
        .execute([oldest])?;
    Ok(())
}

/// Stores which key a request created, in the same transaction as the key.
pub(super) fn insert(
    connection: &Connection,
    issuer: i64,
    key: Option<IdempotencyKey>,
    key_id: i64,
    now: Timestamp,
) -> Result<(), StoreError> {
    if let Some(key) = key {
        connection.execute(
            "INSERT INTO creations VALUES (?1, ?2, ?3, ?4, ?5)",
            params![issuer, key.name, key.request, key_id, now.as_millisecond()],
        )?;
    }
    Ok(())
}
