//! Limits the rotations of a rotation family, and deletes its unused keys.

use hh_auth::KeyDigest;
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, named_params, params};

use super::super::idempotency_keys;
use crate::domain::rotation;
use crate::store::port::StoreError;

/// The maximum number of keys that one rotation deletes. It is greater than 1, so that unused keys from an earlier
/// version are deleted over time.
const DELETED_AT_ONCE: u32 = 20;

/// The number of hours for which a rotation checks again whether unused keys can be deleted. It is one more than the 24
/// hours for which an `Idempotency-Key` prevents the deletion.
const HOURS_LOOKED_BACK: u32 = 25;

/// Checks that a family has not reached the limit of rotations.
///
/// Every key except the first was created by a rotation, and no key is deleted within the window, so neither a restart
/// nor a deletion resets the count.
pub(super) fn check_rate(
    connection: &Connection,
    family: i64,
    limit: u32,
    now: Timestamp,
) -> Result<(), StoreError> {
    let sql = "SELECT created FROM api_keys
        WHERE family = ?1 AND key_id > (SELECT min(key_id) FROM api_keys WHERE family = ?1)
        ORDER BY key_id DESC LIMIT 1 OFFSET ?2 - 1";
    let created: Option<i64> = connection
        .prepare_cached(sql)?
        .query_row(params![family, limit], |row| row.get(0))
        .optional()?;
    let created = created.and_then(|millis| Timestamp::from_millisecond(millis).ok());
    Ok(rotation::check_rate(created, limit, now)?)
}

/// Deletes keys of a family that are no longer valid and were never used, and returns their digests.
///
/// The last use of a key is stored with a delay, but its first use immediately begins the grace period of the previous
/// key. Some keys are not deleted: the first key of the family, keys of the last hour, because they are counted, and
/// keys in `creations`, because a retried request returns them. SQLite reuses the number of the last row after its
/// deletion. Call this function after the new key was inserted: its number is higher, so no number is reused for
/// another key.
pub(super) fn delete_unused(
    connection: &Connection,
    family: i64,
    limit: u32,
    now: Timestamp,
) -> Result<Vec<KeyDigest>, StoreError> {
    idempotency_keys::expire(connection, now)?;
    let sql = "WITH latest AS (SELECT key_id FROM api_keys WHERE family = :family ORDER BY key_id DESC LIMIT :latest)
        SELECT key_id, digest FROM api_keys JOIN latest USING (key_id)
        WHERE last_used IS NULL AND created <= :before
          AND (revoked IS NOT NULL OR grace_ends <= :now)
          AND key_id > (SELECT min(key_id) FROM api_keys WHERE family = :family)
          AND NOT EXISTS (SELECT 1 FROM api_keys old WHERE old.replaced_by = api_keys.key_id AND old.grace_ends IS NOT NULL)
          AND key_id NOT IN (SELECT key_id FROM creations UNION ALL SELECT issuer FROM creations)
        LIMIT :count";
    let values = named_params! {
        ":family": family,
        ":latest": limit.saturating_mul(HOURS_LOOKED_BACK),
        ":before": rotation::window_begin(now).as_millisecond(),
        ":now": now.as_millisecond(),
        ":count": DELETED_AT_ONCE,
    };
    let unused: Vec<(i64, KeyDigest)> = connection
        .prepare_cached(sql)?
        .query_map(values, |row| {
            Ok((row.get(0)?, KeyDigest::from_bytes(row.get(1)?)))
        })?
        .collect::<Result<_, _>>()?;
    for (key_id, _) in &unused {
        for sql in [
            "UPDATE api_keys SET replaced_by = NULL WHERE replaced_by = ?1",
            "DELETE FROM key_projects WHERE key_id = ?1",
            "DELETE FROM api_keys WHERE key_id = ?1",
        ] {
            connection.prepare_cached(sql)?.execute([key_id])?;
        }
    }
    Ok(unused.into_iter().map(|(_, digest)| digest).collect())
}
