//! Stores the data of the server. Commands and queries are data types; an engine executes them.

mod catalog;
mod commands;
mod deletions;
mod error;
mod page;
mod port;
mod sqlite;

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use hh_api::types::{Project, ProjectNames};
use hh_auth::{KeyDigest, Pepper, ProjectId, Projects};

use crate::auth::Access;
use crate::clock::Clock;
use crate::hex;

pub(crate) use crate::domain::event_body::EventBody as Body;
pub(crate) use catalog::{Catalog, ProjectEntry};
pub(crate) use commands::{
    BeginGrace, CloseKey, CreateOwner, CreateProject, DisableOwner, EnableOwner, FindSessions,
    GetEvent, GetKey, InsertEvents, InsertKey, InsertOutcome, KeyByDigest, ListKeys, ListOwners,
    NewEvent, NewKey, NewSession, PageStart, ReadEvents, ReadRest, RevokeKey, RotateKey, SaveUses,
    StartSession, StartSessions, UpdateEvent, UpdateKey,
};
pub(crate) use deletions::{
    CountDeletion, Delete, DeleteExpired, DeletedRows, DeletionTarget, RetentionRule,
};
pub(crate) use error::{EngineErrorKind, StoreError};
pub(crate) use page::{Page, Position};
use port::{Command, Query, Read, Write};
pub(crate) use port::{Hold, KeyChanges, KeyObserver};
#[cfg(test)]
pub(crate) use sqlite::check_counts;
use sqlite::{Opened, Sqlite};

/// An open store.
pub(crate) struct Store {
    engine: Sqlite,
    catalog: Arc<Catalog>,
    /// The normalized and the stored names of owners from before names were normalized.
    owner_spellings: HashMap<String, String>,
    is_new: bool,
    /// The check value of the pepper. It is stored in the database when a key is first verified with this pepper.
    pepper_check: String,
    announced_key: Option<String>,
}

impl Store {
    /// Opens or creates the database. `keys` is notified of every key and of every change of a key.
    pub(crate) fn open(
        path: &Path,
        keys: Arc<dyn KeyObserver>,
        clock: Arc<Clock>,
    ) -> Result<Self, StoreError> {
        let Opened {
            engine,
            catalog,
            owner_spellings,
            is_new,
            pepper_check,
            announced_key,
        } = sqlite::open(path, keys, clock)?;
        Ok(Self {
            engine,
            catalog,
            owner_spellings,
            is_new,
            pepper_check,
            announced_key,
        })
    }

    /// Executes a command, and returns the answer after the change is durable.
    pub(crate) async fn write<C: Command>(
        &self,
        access: &C::Access,
        command: C,
    ) -> Result<C::Answer, StoreError>
    where
        Sqlite: Write<C>,
    {
        self.write_holding(access, command, Hold::default()).await
    }

    /// Executes a command like [`Store::write`], and keeps `hold` until the command is finished, even if the caller
    /// stops waiting.
    pub(crate) async fn write_holding<C: Command>(
        &self,
        access: &C::Access,
        command: C,
        hold: Hold,
    ) -> Result<C::Answer, StoreError>
    where
        Sqlite: Write<C>,
    {
        self.engine.write(access, command, hold).await
    }

    /// Executes a query. Dropping the future stops the query.
    pub(crate) async fn read<Q: Query>(
        &self,
        access: &Q::Access,
        query: Q,
    ) -> Result<Q::Answer, StoreError>
    where
        Sqlite: Read<Q>,
    {
        self.engine.read(access, query).await
    }

    /// Returns whether the first start was never finished, so that the store has no data.
    pub(crate) fn is_new(&self) -> bool {
        self.is_new
    }

    /// Sets the pepper of the keys; returns false if the database belongs to another pepper.
    ///
    /// A database without a check value accepts any pepper until a key is verified with it.
    pub(crate) fn use_pepper(&mut self, pepper: &Pepper) -> bool {
        let expected = hex::encode(&pepper.check_value());
        let stored = std::mem::replace(&mut self.pepper_check, expected);
        stored.is_empty() || stored == self.pepper_check
    }

    /// Returns the check value of the pepper.
    pub(crate) fn pepper_check(&self) -> &str {
        &self.pepper_check
    }

    /// Returns whether an interrupted first start announced this key.
    pub(crate) fn has_announced(&self, digest: &KeyDigest) -> bool {
        self.announced_key.as_deref() == Some(&hex::encode(digest.as_bytes()))
    }

    /// Stores the digest of the first key before the key is written to a file, so that the next start can delete that
    /// file if the key was never stored. Blocks; for startup only.
    pub(crate) fn announce_key(&self, digest: &KeyDigest) -> Result<(), StoreError> {
        self.engine.announce_key(digest)
    }

    /// Stores the organization, the project `default` and the first key. Blocks; for startup only.
    pub(crate) fn first_start(&self, organization: String, key: NewKey) -> Result<(), StoreError> {
        let pepper_check = self.pepper_check.clone();
        self.engine.first_start(organization, key, pepper_check)
    }

    /// Executes all queued commands, and stops.
    pub(crate) async fn close(&self) {
        self.engine.close().await;
    }

    pub(crate) fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    pub(crate) fn project_by_name(&self, name: &str) -> Option<Arc<ProjectEntry>> {
        self.catalog.by_name(name)
    }

    pub(crate) fn project_by_id(&self, id: ProjectId) -> Option<Arc<ProjectEntry>> {
        self.catalog.by_id(id)
    }

    pub(crate) fn project_by_public_id(&self, id: &str) -> Option<Arc<ProjectEntry>> {
        self.catalog.by_public_id(id)
    }

    /// Returns all projects.
    pub(crate) fn projects(&self) -> Vec<Arc<ProjectEntry>> {
        self.catalog.entries()
    }

    pub(crate) fn project_names(&self, projects: &Projects) -> ProjectNames {
        self.catalog.names(projects)
    }

    /// Lists the projects that the key applies to, in the order of their names.
    pub(crate) fn list_projects(&self, access: &Access) -> Vec<Project> {
        self.catalog.list(&access.record().grant.projects)
    }

    /// Returns the stored name of an owner for a normalized name.
    pub(crate) fn stored_owner(&self, name: String) -> String {
        self.owner_spellings.get(&name).cloned().unwrap_or(name)
    }
}

#[cfg(test)]
mod tests;
