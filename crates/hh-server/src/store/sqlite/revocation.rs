//! How keys end.

use std::sync::Arc;

use hh_api::types::KeyState;
use hh_auth::KeyDigest;
use jiff::Timestamp;
use rusqlite::Connection;

use super::engine::Sqlite;
use super::key_rows::{EXPIRED, REPLACED, by_number};
use super::last_admin::check_not_last;
use crate::auth::{Access, ServerAccess};
use crate::domain::keys::KeyRecord;
use crate::store::commands::{CloseKey, RevokeKey};
use crate::store::port::{Changed, Hold, KeyChanges, StoreError, Write};

/// Revokes a key; one that is revoked keeps its time.
pub(super) fn revoke(
    connection: &Connection,
    key_id: i64,
    now: Timestamp,
) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "UPDATE api_keys SET revoked = iif(revoked >= 0, revoked, ?2) WHERE key_id = ?1",
        )?
        .execute([key_id, now.as_millisecond()])?;
    Ok(())
}

impl Write<RevokeKey> for Sqlite {
    async fn write(
        &self,
        access: &Access,
        RevokeKey { key_id }: RevokeKey,
        _: Hold,
    ) -> Result<Changed<KeyRecord>, StoreError> {
        let now = access.key_time();
        let live = self.check_live(access.record().key_id);
        let of_unsaved = Arc::clone(&self.keys);
        let revoked = self.writer.submit_key_change(
            &self.keys,
            move |connection| {
                live(connection)?;
                let key = by_number(connection, key_id)?;
                check_not_last(connection, &key, now)?;
                revoke(connection, key_id, now)?;
                // Without its unused replacement a key goes on as if it had not been rotated.
                let sql = "UPDATE api_keys SET replaced_by = NULL, grace = NULL WHERE replaced_by = ?1 AND grace_ends IS NULL RETURNING digest";
                let replaced = connection
                    .prepare_cached(sql)?
                    .query_map([key_id], |row| row.get(0).map(KeyDigest::from_bytes))?
                    .collect::<Result<_, _>>()?;
                let changes = KeyChanges {
                    revoked: vec![key.digest],
                    changed: replaced,
                    ..KeyChanges::default()
                };
                let value = by_number(connection, key_id)?;
                Ok(Changed { value, changes })
            },
            move |revoked| {
                of_unsaved.unsaved(&revoked.changes.revoked);
                StoreError::Unsaved
            },
        );
        revoked.wait().await
    }
}

impl Write<CloseKey> for Sqlite {
    async fn write(
        &self,
        _: &ServerAccess,
        command: CloseKey,
        _: Hold,
    ) -> Result<Changed<()>, StoreError> {
        let CloseKey {
            key_id,
            digest,
            state,
        } = command;
        let value = if state == KeyState::Replaced {
            REPLACED
        } else {
            EXPIRED
        };
        let observer = Arc::clone(&self.keys);
        let closed = self.writer.submit_then(
            Hold::default(),
            move |connection| {
                let sql = "UPDATE api_keys SET revoked = ?2 WHERE key_id = ?1 AND revoked IS NULL";
                connection.execute(sql, [key_id, value])?;
                Ok(Changed {
                    value: (),
                    changes: KeyChanges {
                        changed: vec![digest],
                        ..KeyChanges::default()
                    },
                })
            },
            move |closed| observer.committed(&closed.changes),
        );
        closed.wait().await
    }
}
