//! Rotation of keys, and its grace.

mod family;

use hh_auth::KeyDigest;

use super::engine::Sqlite;
use super::idempotency_keys;
use super::key_rows::{by_number, check_within, find, insert};
use super::revocation::revoke;
use crate::auth::Access;
use crate::domain::rotation::check_may_rotate;
use crate::store::commands::{BeginGrace, InsertOutcome, RotateKey};
use crate::store::port::{Changed, Hold, KeyChanges, StoreError, Write};

impl Write<RotateKey> for Sqlite {
    async fn write(
        &self,
        access: &Access,
        command: RotateKey,
        _: Hold,
    ) -> Result<Changed<InsertOutcome>, StoreError> {
        let issuer = access.record().key_id;
        let live = self.check_live(issuer);
        let RotateKey {
            old,
            new,
            grace,
            limit,
            idempotency,
        } = command;
        let rotated = self.writer.submit_key_change(
            &self.keys,
            move |connection| {
                let now = new.created;
                live(connection)?;
                let earlier = idempotency_keys::replay(connection, issuer, idempotency, now)?;
                if let Some(earlier) = earlier
                    && let Some(earlier) = find(connection, "k.key_id", earlier)?
                {
                    return Ok(Changed {
                        value: InsertOutcome::Repeated(Box::new(earlier)),
                        changes: KeyChanges::default(),
                    });
                }
                let old = by_number(connection, old)?;
                let replaced = match &old.replaces {
                    Some(id) => find(connection, "k.id", id)?,
                    None => None,
                };
                check_may_rotate(&old, replaced.as_ref(), now)?;
                family::check_rate(connection, old.family, limit, now)?;
                if old.key_id != issuer {
                    check_within(connection, &old.grant, issuer)?;
                }
                let mut changes = KeyChanges::default();
                if let Some(unused) = &old.replaced_by
                    && let Some(unused) = find(connection, "k.id", unused)?
                {
                    revoke(connection, unused.key_id, now)?;
                    changes.revoked.push(unused.digest);
                }
                let key_id = insert(connection, &new)?;
                connection.execute(
                    "UPDATE api_keys SET replaced_by = ?2, grace = ?3 WHERE key_id = ?1",
                    [old.key_id, key_id, grace],
                )?;
                changes.created.push(new.digest);
                changes.changed.push(old.digest);
                idempotency_keys::insert(connection, issuer, idempotency, key_id, now)?;
                changes.deleted = family::delete_unused(connection, old.family, limit, now)?;
                let value = InsertOutcome::Inserted;
                Ok(Changed { value, changes })
            },
            |_| StoreError::DiskFull,
        );
        rotated.wait().await
    }
}

impl Write<BeginGrace> for Sqlite {
    async fn write(
        &self,
        access: &Access,
        _: BeginGrace,
        _: Hold,
    ) -> Result<Changed<()>, StoreError> {
        let (new, now) = (access.record().key_id, access.key_time().as_millisecond());
        let live = self.check_live(new);
        let begun = self.writer.submit_key_change(
            &self.keys,
            move |connection| {
                live(connection)?;
                let sql = "UPDATE api_keys SET grace_ends = ?2 + grace WHERE replaced_by = ?1 AND grace_ends IS NULL RETURNING digest";
                let changed = connection
                    .prepare_cached(sql)?
                    .query_map([new, now], |row| row.get(0).map(KeyDigest::from_bytes))?
                    .collect::<Result<_, _>>()?;
                Ok(Changed {
                    value: (),
                    changes: KeyChanges {
                        changed,
                        ..KeyChanges::default()
                    },
                })
            },
            |_| StoreError::DiskFull,
        );
        begun.wait().await
    }
}
