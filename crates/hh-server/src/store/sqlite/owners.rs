//! Creates, lists, disables and enables owners.

use std::sync::Arc;

use hh_api::types::Owner;
use hh_auth::KeyDigest;
use rusqlite::params;

use super::engine::Sqlite;
use super::last_admin::admins_without;
use super::owner_rows::{SELECT, find, insert, owner};
use crate::auth::Access;
use crate::domain::last_admin::check_some_left;
use crate::quote::quote;
use crate::store::commands::{CreateOwner, DisableOwner, EnableOwner, ListOwners};
use crate::store::port::{Changed, Hold, KeyChanges, Read, StoreError, Write};

impl Read<ListOwners> for Sqlite {
    async fn read(&self, access: &Access, _: ListOwners) -> Result<Vec<Owner>, StoreError> {
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
}

impl Write<CreateOwner> for Sqlite {
    async fn write(
        &self,
        access: &Access,
        CreateOwner { name }: CreateOwner,
        _: Hold,
    ) -> Result<Owner, StoreError> {
        let (live, now) = (self.check_live(access.record().key_id), access.key_time());
        let created = self.writer.submit_administration(
            move |connection| {
                live(connection)?;
                let is_new = insert(connection, &name, now)?;
                let found = find(connection, "name", &name, now.as_millisecond())?;
                match found {
                    Some(owner) if is_new => Ok(owner),
                    Some(owner) if owner.disabled_at.is_some() => Err(StoreError::conflict(
                        format!("owner {} already exists and is disabled", quote(&name)),
                    )),
                    _ => Err(StoreError::conflict(format!(
                        "owner {} already exists",
                        quote(&name)
                    ))),
                }
            },
            |_| (),
        );
        created.wait().await
    }
}

fn missing() -> StoreError {
    StoreError::NotFound("owner not found".to_owned())
}

impl Write<DisableOwner> for Sqlite {
    async fn write(
        &self,
        access: &Access,
        DisableOwner { id }: DisableOwner,
        _: Hold,
    ) -> Result<Changed<Owner>, StoreError> {
        let (live, time) = (self.check_live(access.record().key_id), access.key_time());
        let (own, now) = (access.record().owner.clone(), time.as_millisecond());
        let of_unsaved = Arc::clone(&self.keys);
        let disabled = self.writer.submit_key_change(
            &self.keys,
            move |connection| {
                live(connection)?;
                let name = find(connection, "id", &id, now)?.ok_or_else(missing)?.principal.name;
                if name == own {
                    return Err(StoreError::conflict(format!(
                        "cannot disable owner {}, because the API key of this request belongs to it; use an admin key of another owner",
                        quote(&name)
                    )));
                }
                let had_lasting = admins_without(connection, [None; 2], time)?.lasting;
                connection.execute(
                    "UPDATE owners SET disabled = coalesce(disabled, ?2) WHERE id = ?1",
                    params![id, now],
                )?;
                let mut revoke = connection.prepare_cached(
                    "UPDATE api_keys SET revoked = ?2 WHERE owner = ?1 AND (revoked IS NULL OR revoked < 0) RETURNING digest",
                )?;
                let revoked = revoke
                    .query_map(params![name, now], |row| row.get(0).map(KeyDigest::from_bytes))?
                    .collect::<Result<_, _>>()?;
                check_some_left(had_lasting, admins_without(connection, [None; 2], time)?)?;
                let value = find(connection, "id", &id, now)?.ok_or_else(missing)?;
                let changes = KeyChanges {
                    revoked,
                    ..KeyChanges::default()
                };
                Ok(Changed { value, changes })
            },
            move |disabled| {
                of_unsaved.unsaved(&disabled.changes.revoked);
                StoreError::Unsaved
            },
        );
        disabled.wait().await
    }
}

impl Write<EnableOwner> for Sqlite {
    async fn write(
        &self,
        access: &Access,
        EnableOwner { id }: EnableOwner,
        _: Hold,
    ) -> Result<Owner, StoreError> {
        let (live, now) = (self.check_live(access.record().key_id), access.key_time());
        let enabled = self.writer.submit_administration(
            move |connection| {
                live(connection)?;
                connection.execute("UPDATE owners SET disabled = NULL WHERE id = ?1", [&id])?;
                find(connection, "id", &id, now.as_millisecond())?.ok_or_else(missing)
            },
            |_| (),
        );
        enabled.wait().await
    }
}
