//! What was made under an `Idempotency-Key`, so that a repeated request makes no second key.

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, params};

use super::{StoreError, keys};
use crate::keys::KeyRecord;

/// How long a repetition is recognised.
const KEPT: SignedDuration = SignedDuration::from_hours(24);

/// A request that may be sent again: SHA-256 of its `Idempotency-Key`, and of all that it asks for.
#[derive(Clone, Copy)]
pub(crate) struct Once {
    pub(crate) name: [u8; 32],
    pub(crate) request: [u8; 32],
}

/// Finds the key that an earlier request of the same issuer made.
pub(super) fn find(
    connection: &Connection,
    issuer: i64,
    once: Option<Once>,
    now: Timestamp,
) -> Result<Option<KeyRecord>, StoreError> {
    let Some(once) = once else {
        return Ok(None);
    };
    expire(connection, now)?;
    let found = connection
        .prepare_cached("SELECT request, key_id FROM creations WHERE issuer = ?1 AND once = ?2")?
        .query_row(params![issuer, once.name], |row| {
            Ok((row.get::<_, [u8; 32]>(0)?, row.get::<_, i64>(1)?))
        })
        .optional()?;
    match found {
        None => Ok(None),
        Some((request, key_id)) if request == once.request => {
            keys::find(connection, "k.key_id", key_id)
        }
        Some(_) => Err(StoreError::Reused),
    }
}

/// Deletes what is too old, of every issuer, so that the table holds a day's creations and no more.
pub(super) fn expire(connection: &Connection, now: Timestamp) -> Result<(), StoreError> {
    let oldest = (now - KEPT).as_millisecond();
    connection
        .prepare_cached("DELETE FROM creations WHERE created <= ?1")?
        .execute([oldest])?;
    Ok(())
}

/// Keeps what a request made, in the transaction that makes it.
pub(super) fn keep(
    connection: &Connection,
    issuer: i64,
    once: Option<Once>,
    key_id: i64,
    now: Timestamp,
) -> Result<(), StoreError> {
    if let Some(once) = once {
        connection.execute(
            "INSERT INTO creations VALUES (?1, ?2, ?3, ?4, ?5)",
            params![
                issuer,
                once.name,
                once.request,
                key_id,
                now.as_millisecond()
            ],
        )?;
    }
    Ok(())
}
