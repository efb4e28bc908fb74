//! Stores the data of the first start of a server. All functions block.

use std::sync::Arc;

use hh_auth::KeyDigest;
use uuid::Uuid;

use super::engine::Sqlite;
use super::{key_rows, projects};
use crate::hex;
use crate::store::commands::NewKey;
use crate::store::port::{KeyChanges, StoreError};

/// The name of the row of `meta` with the digest of the key that a first start is about to write to a file.
pub(super) const ANNOUNCED_KEY: &str = "announced_key";

impl Sqlite {
    /// Stores the digest of the key that is about to be written to a file.
    pub(crate) fn announce_key(&self, digest: &KeyDigest) -> Result<(), StoreError> {
        let digest = hex::encode(digest.as_bytes());
        let announced = self.writer.submit(move |connection| {
            let sql = "INSERT OR REPLACE INTO meta VALUES (?1, ?2)";
            connection.execute(sql, [ANNOUNCED_KEY, &digest])?;
            Ok(())
        });
        announced.wait_blocking()
    }

    /// Stores the organization, the project `default` and the first key in one transaction.
    pub(crate) fn first_start(
        &self,
        organization: String,
        key: NewKey,
        pepper_check: String,
    ) -> Result<(), StoreError> {
        let changes = KeyChanges {
            created: vec![key.digest],
            ..KeyChanges::default()
        };
        let stored = self.writer.submit(move |connection| {
            for (name, value) in [
                ("organization", organization.as_str()),
                ("org_id", &Uuid::new_v4().to_string()),
                ("workspace_id", &Uuid::new_v4().to_string()),
                ("pepper_check", &pepper_check),
            ] {
                connection.execute("INSERT INTO meta VALUES (?1, ?2)", [name, value])?;
            }
            connection.execute("DELETE FROM meta WHERE name = ?1", [ANNOUNCED_KEY])?;
            let project = projects::insert(connection, "default", "")?;
            key_rows::insert(connection, &key)?;
            Ok((project, projects::read_meta(connection)?))
        });
        let (project, meta) = stored.wait_blocking()?;
        self.catalog.set_meta(meta);
        self.catalog.add(Arc::new(project));
        self.keys.committed(&changes);
        Ok(())
    }
}
