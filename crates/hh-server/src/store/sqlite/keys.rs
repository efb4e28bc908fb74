//! Creates, finds and lists keys.

use std::sync::Arc;

use hh_auth::Projects;
use rusqlite::named_params;

use super::engine::Sqlite;
use super::idempotency_keys;
use super::key_rows::{SELECT, check_within, find, insert, record};
use crate::auth::{Access, ServerAccess};
use crate::domain::keys::{KeyRecord, check_expiry};
use crate::store::commands::{GetKey, InsertKey, InsertOutcome, KeyByDigest, ListKeys, SaveUses};
use crate::store::port::{Changed, Hold, KeyChanges, Read, StoreError, Write};

/// Selects a page of keys. `:narrow` is set if the requesting key applies to some projects only, so that it manages
/// keys within these projects only.
const PAGE: &str = "WHERE k.key_id < coalesce(:after, 9223372036854775807)
  AND (:with_ended OR k.revoked IS NULL AND coalesce(k.expires > :now, true) AND coalesce(k.grace_ends > :now, true))
  AND (:narrow IS NULL OR NOT k.all_projects AND NOT EXISTS (
    SELECT 1 FROM key_projects p WHERE p.key_id = k.key_id
      AND p.project NOT IN (SELECT project FROM key_projects WHERE key_id = :narrow)))
  ORDER BY k.key_id DESC LIMIT :limit";

impl Read<KeyByDigest> for Sqlite {
    async fn read(
        &self,
        _: &ServerAccess,
        KeyByDigest(digest): KeyByDigest,
    ) -> Result<Option<KeyRecord>, StoreError> {
        self.readers
            .look_up(move |connection| find(connection, "k.digest", digest.as_bytes()))
            .await
    }
}

impl Write<InsertKey> for Sqlite {
    async fn write(
        &self,
        access: &Access,
        command: InsertKey,
        _: Hold,
    ) -> Result<Changed<InsertOutcome>, StoreError> {
        let issuer = access.record().key_id;
        let (live, observer) = (self.check_live(issuer), Arc::clone(&self.keys));
        let InsertKey { key, idempotency } = command;
        let stored = self.writer.submit_administration(
            move |connection| {
                live(connection)?;
                let now = key.created;
                let earlier = idempotency_keys::replay(connection, issuer, idempotency, now)?;
                if let Some(earlier) = earlier
                    && let Some(earlier) = find(connection, "k.key_id", earlier)?
                {
                    return Ok(Changed {
                        value: InsertOutcome::Repeated(Box::new(earlier)),
                        changes: KeyChanges::default(),
                    });
                }
                check_expiry(&key.grant, now)?;
                check_within(connection, &key.grant, issuer)?;
                let key_id = insert(connection, &key)?;
                idempotency_keys::insert(connection, issuer, idempotency, key_id, now)?;
                Ok(Changed {
                    value: InsertOutcome::Inserted,
                    changes: KeyChanges {
                        created: vec![key.digest],
                        ..KeyChanges::default()
                    },
                })
            },
            move |stored| observer.committed(&stored.changes),
        );
        stored.wait().await
    }
}

impl Read<ListKeys> for Sqlite {
    async fn read(&self, access: &Access, query: ListKeys) -> Result<Vec<KeyRecord>, StoreError> {
        let now = access.key_time().as_millisecond();
        let own = access.record();
        let narrow = (own.grant.projects != Projects::All).then_some(own.key_id);
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
                let keys = statement.query_map(values, |row| record(connection, row))?;
                Ok(keys.collect::<Result<_, _>>()?)
            })
            .await
    }
}

impl Read<GetKey> for Sqlite {
    async fn read(&self, access: &Access, query: GetKey) -> Result<KeyRecord, StoreError> {
        let reach = access.record().grant.projects.clone();
        self.readers
            .read(move |connection| {
                find(connection, "k.id", query.id)?
                    .filter(|key| key.grant.projects.is_within(&reach))
                    .ok_or_else(|| StoreError::NotFound("API key not found".to_owned()))
            })
            .await
    }
}

impl Write<SaveUses> for Sqlite {
    async fn write(&self, _: &ServerAccess, command: SaveUses, _: Hold) -> Result<(), StoreError> {
        let SaveUses { uses, pepper_check } = command;
        let saved = self.writer.submit(move |connection| {
            // The key was found by its digest, which proves that the pepper is correct.
            let sql = "INSERT INTO meta VALUES ('pepper_check', ?1) ON CONFLICT DO NOTHING";
            connection.prepare_cached(sql)?.execute([pepper_check])?;
            let sql =
                "UPDATE api_keys SET last_used = max(coalesce(last_used, 0), ?2) WHERE key_id = ?1";
            let mut update = connection.prepare_cached(sql)?;
            for (key_id, millis) in uses {
                update.execute([key_id, millis])?;
            }
            Ok(())
        });
        saved.wait().await
    }
}
