//! Stores projects and the organization.

use std::sync::Arc;

use hh_api::types::Project;
use hh_auth::ProjectId;
use rusqlite::{Connection, OptionalExtension as _};
use uuid::Uuid;

use super::engine::Sqlite;
use crate::auth::Access;
use crate::quote::quote;
use crate::store::catalog::{Meta, ProjectEntry};
use crate::store::commands::CreateProject;
use crate::store::port::{Hold, StoreError, Write};

pub(super) fn read_all(connection: &Connection) -> Result<Vec<ProjectEntry>, StoreError> {
    let mut statement = connection
        .prepare("SELECT project, id, name, description FROM projects WHERE deleted = 0")?;
    let entries = statement.query_map([], |row| {
        Ok(ProjectEntry {
            id: ProjectId::new(row.get(0)?),
            public: row.get(1)?,
            name: row.get(2)?,
            description: row.get(3)?,
        })
    })?;
    Ok(entries.collect::<Result<_, _>>()?)
}

pub(super) fn read_meta(connection: &Connection) -> Result<Meta, StoreError> {
    let read = |name| Ok::<_, StoreError>(meta(connection, name)?.unwrap_or_default());
    Ok(Meta {
        organization: read("organization")?,
        org_id: read("org_id")?,
        workspace_id: read("workspace_id")?,
    })
}

/// Reads a value from the table `meta`.
pub(super) fn meta(connection: &Connection, name: &str) -> Result<Option<String>, StoreError> {
    let sql = "SELECT value FROM meta WHERE name = ?1";
    Ok(connection
        .query_row(sql, [name], |row| row.get(0))
        .optional()?)
}

/// Inserts a project.
pub(super) fn insert(
    connection: &Connection,
    name: &str,
    description: &str,
) -> Result<ProjectEntry, StoreError> {
    let public = Uuid::new_v4().to_string();
    let inserted = connection.execute(
        "INSERT INTO projects (id, name, description) VALUES (?1, ?2, ?3) ON CONFLICT (name) DO NOTHING",
        [&public, name, description],
    )?;
    if inserted == 0 {
        return Err(StoreError::conflict(format!(
            "project \"{}\" already exists",
            quote(name)
        )));
    }
    Ok(ProjectEntry {
        id: ProjectId::new(connection.last_insert_rowid()),
        public,
        name: name.to_owned(),
        description: description.to_owned(),
    })
}

impl Write<CreateProject> for Sqlite {
    async fn write(
        &self,
        access: &Access,
        command: CreateProject,
        _: Hold,
    ) -> Result<Project, StoreError> {
        let live = self.check_live(access.record().key_id);
        let catalog = Arc::clone(&self.catalog);
        let created = self.writer.submit_administration(
            move |connection| {
                live(connection)?;
                insert(connection, &command.name, &command.description).map(Arc::new)
            },
            move |entry| catalog.add(Arc::clone(entry)),
        );
        Ok(created.wait().await?.describe())
    }
}
