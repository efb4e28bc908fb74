//! Changes keys.

use hh_api::types::Change;
use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::engine::Sqlite;
use super::key_rows::{by_number, check_within};
use super::last_admin::check_last_expiry;
use crate::auth::Access;
use crate::domain::keys::{KeyRecord, check_new_expiry};
use crate::store::commands::UpdateKey;
use crate::store::port::{Changed, Hold, KeyChanges, StoreError, Write};

fn apply(connection: &Connection, update: &UpdateKey) -> Result<(), StoreError> {
    let UpdateKey {
        key_id,
        name,
        note,
        expires,
    } = update;
    let new_note = match note {
        Change::Set(note) => Some(note),
        Change::Remove | Change::Keep => None,
    };
    connection
        .prepare_cached(
            "UPDATE api_keys SET name = coalesce(?2, name), note = iif(?3, note, ?4), expires = coalesce(?5, expires)
             WHERE key_id = ?1",
        )?
        .execute(params![
            key_id,
            name,
            note.is_keep(),
            new_note,
            expires.map(Timestamp::as_millisecond),
        ])?;
    Ok(())
}

impl Write<UpdateKey> for Sqlite {
    async fn write(
        &self,
        access: &Access,
        update: UpdateKey,
        _: Hold,
    ) -> Result<Changed<KeyRecord>, StoreError> {
        let (issuer, now) = (access.record().key_id, access.key_time());
        let live = self.check_live(issuer);
        let updated = self.writer.submit_key_change(
            &self.keys,
            move |connection| {
                live(connection)?;
                let key = by_number(connection, update.key_id)?;
                if key.key_id != issuer {
                    check_within(connection, &key.grant, issuer)?;
                }
                if let Some(expires) = update.expires {
                    check_new_expiry(&key, expires, now)?;
                    check_last_expiry(connection, &key, expires, now)?;
                }
                apply(connection, &update)?;
                let changes = KeyChanges {
                    changed: vec![key.digest],
                    ..KeyChanges::default()
                };
                let value = by_number(connection, update.key_id)?;
                Ok(Changed { value, changes })
            },
            |_| StoreError::DiskFull(None),
        );
        updated.wait().await
    }
}
