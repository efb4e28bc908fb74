//! Projects and the organization, in memory: every request needs them and they seldom change.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use hh_api::types::{Project, ProjectNames};
use hh_auth::{ProjectId, Projects};
use rusqlite::{Connection, OptionalExtension as _};
use uuid::Uuid;

use super::{Store, StoreError};
use crate::access::Access;
use crate::quote::quote;

/// One project.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) id: ProjectId,
    pub(crate) public: String,
    pub(crate) name: String,
    pub(crate) description: String,
}

impl Entry {
    pub(crate) fn describe(&self) -> Project {
        Project {
            id: self.public.clone(),
            name: self.name.clone(),
            description: self.description.clone(),
        }
    }
}

/// The organization's name and the ids that answers carry.
#[derive(Clone, Debug, Default)]
pub(crate) struct Meta {
    pub(crate) organization: String,
    pub(crate) org_id: String,
    pub(crate) workspace_id: String,
}

/// Everything in memory.
pub(crate) struct Catalog {
    projects: RwLock<BTreeMap<String, Arc<Entry>>>,
    meta: RwLock<Meta>,
}

impl Catalog {
    pub(super) fn load(connection: &Connection) -> Result<Self, StoreError> {
        let mut statement =
            connection.prepare("SELECT project, id, name, description FROM projects")?;
        let entries = statement
            .query_map([], |row| {
                Ok(Entry {
                    id: ProjectId::new(row.get(0)?),
                    public: row.get(1)?,
                    name: row.get(2)?,
                    description: row.get(3)?,
                })
            })?
            .collect::<Result<Vec<_>, _>>()?;
        let catalog = Self {
            projects: RwLock::default(),
            meta: RwLock::default(),
        };
        for entry in entries {
            catalog.add(Arc::new(entry));
        }
        catalog.reload_meta(connection)?;
        Ok(catalog)
    }

    pub(super) fn reload_meta(&self, connection: &Connection) -> Result<(), StoreError> {
        let read = |name: &str| -> Result<String, StoreError> {
            let value = connection
                .query_row("SELECT value FROM meta WHERE name = ?1", [name], |row| {
                    row.get(0)
                })
                .optional()?;
            Ok(value.unwrap_or_default())
        };
        let meta = Meta {
            organization: read("organization")?,
            org_id: read("org_id")?,
            workspace_id: read("workspace_id")?,
        };
        *self.meta.write().unwrap_or_else(PoisonError::into_inner) = meta;
        Ok(())
    }

    pub(super) fn add(&self, entry: Arc<Entry>) {
        self.projects
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(entry.name.clone(), entry);
    }

    pub(crate) fn meta(&self) -> Meta {
        self.meta
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(super) fn by_name(&self, name: &str) -> Option<Arc<Entry>> {
        self.all().get(name).cloned()
    }

    pub(super) fn by_id(&self, id: ProjectId) -> Option<Arc<Entry>> {
        self.all().values().find(|entry| entry.id == id).cloned()
    }

    /// Names the projects of a key, in order.
    pub(super) fn names(&self, projects: &Projects) -> ProjectNames {
        match projects {
            Projects::All => ProjectNames::All,
            only @ (Projects::Only(_) | _) => ProjectNames::Only(
                self.all()
                    .values()
                    .filter(|entry| only.contains(entry.id))
                    .map(|entry| entry.name.clone())
                    .collect(),
            ),
        }
    }

    fn all(&self) -> RwLockReadGuard<'_, BTreeMap<String, Arc<Entry>>> {
        self.projects.read().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Inserts a project.
pub(super) fn insert(
    connection: &Connection,
    name: &str,
    description: &str,
) -> Result<Entry, StoreError> {
    let public = Uuid::new_v4().to_string();
    let inserted = connection.execute(
        "INSERT INTO projects (id, name, description) VALUES (?1, ?2, ?3) ON CONFLICT (name) DO NOTHING",
        [&public, name, description],
    )?;
    if inserted == 0 {
        return Err(StoreError::Conflict(format!(
            "a project \"{}\" exists already",
            quote(name)
        )));
    }
    Ok(Entry {
        id: ProjectId::new(connection.last_insert_rowid()),
        public,
        name: name.to_owned(),
        description: description.to_owned(),
    })
}

impl Store {
    /// Creates a project.
    pub(crate) async fn create_project(
        &self,
        access: &Access,
        name: String,
        description: String,
    ) -> Result<Project, StoreError> {
        let still = self.still(access.record().key_id);
        let catalog = Arc::clone(&self.catalog);
        let created = self.writer.submit_administration(
            move |connection| {
                still(connection)?;
                insert(connection, &name, &description).map(Arc::new)
            },
            move |entry| catalog.add(Arc::clone(entry)),
        );
        Ok(created.wait().await?.describe())
    }

    /// Lists the projects that the key applies to, in order of their names.
    pub(crate) fn list_projects(&self, access: &Access) -> Vec<Project> {
        self.catalog
            .all()
            .values()
            .filter(|entry| access.record().grant.projects.contains(entry.id))
            .map(|entry| entry.describe())
            .collect()
    }
}
