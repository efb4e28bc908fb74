//! Keeps projects and the organization in memory, because every request needs them and they seldom change.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use hh_api::types::{Project, ProjectNames};
use hh_auth::{ProjectId, Projects};
/// A project.
#[derive(Debug)]
pub(crate) struct ProjectEntry {
    pub(crate) id: ProjectId,
    pub(crate) public: String,
    pub(crate) name: String,
    pub(crate) description: String,
}

impl ProjectEntry {
    pub(crate) fn describe(&self) -> Project {
        Project {
            id: self.public.clone(),
            name: self.name.clone(),
            description: self.description.clone(),
        }
    }
}

/// The name of the organization, and the ids that responses contain.
#[derive(Clone, Debug, Default)]
pub(crate) struct Meta {
    pub(crate) organization: String,
    pub(crate) org_id: String,
    pub(crate) workspace_id: String,
}

/// The projects and the organization.
pub(crate) struct Catalog {
    projects: RwLock<BTreeMap<String, Arc<ProjectEntry>>>,
    meta: RwLock<Meta>,
}

impl Catalog {
    pub(super) fn new(meta: Meta, projects: Vec<ProjectEntry>) -> Self {
        let projects = projects.into_iter();
        Self {
            projects: RwLock::new(
                projects
                    .map(|entry| (entry.name.clone(), Arc::new(entry)))
                    .collect(),
            ),
            meta: RwLock::new(meta),
        }
    }

    pub(super) fn set_meta(&self, meta: Meta) {
        *self.meta.write().unwrap_or_else(PoisonError::into_inner) = meta;
    }

    pub(super) fn add(&self, entry: Arc<ProjectEntry>) {
        self.projects
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(entry.name.clone(), entry);
    }

    pub(super) fn remove(&self, id: ProjectId) {
        self.projects
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|_, entry| entry.id != id);
    }

    pub(crate) fn meta(&self) -> Meta {
        self.meta
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(super) fn by_name(&self, name: &str) -> Option<Arc<ProjectEntry>> {
        self.all().get(name).cloned()
    }

    pub(super) fn by_id(&self, id: ProjectId) -> Option<Arc<ProjectEntry>> {
        self.all().values().find(|entry| entry.id == id).cloned()
    }

    pub(super) fn by_public_id(&self, id: &str) -> Option<Arc<ProjectEntry>> {
        let all = self.all();
        all.values().find(|entry| entry.public == id).cloned()
    }

    pub(super) fn entries(&self) -> Vec<Arc<ProjectEntry>> {
        self.all().values().cloned().collect()
    }

    /// Returns the names of the projects of a key, in order.
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

    /// Lists the projects of a key, in order of their names.
    pub(super) fn list(&self, projects: &Projects) -> Vec<Project> {
        let all = self.all();
        let listed = all.values().filter(|entry| projects.contains(entry.id));
        listed.map(|entry| entry.describe()).collect()
    }

    fn all(&self) -> RwLockReadGuard<'_, BTreeMap<String, Arc<ProjectEntry>>> {
        self.projects.read().unwrap_or_else(PoisonError::into_inner)
    }
}
