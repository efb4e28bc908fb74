//! Handles the operations on projects.

use hh_api::types::{CreateProject, ListProjects, Project, ProjectList};
use hh_auth::Projects;

use super::Call;
use crate::app::App;
use crate::http::error::ApiError;
use crate::store as command;

const MAX_NAME: usize = 100;
const MAX_DESCRIPTION: usize = 500;

/// Creates a project. A key that applies to a list of projects cannot create one outside of it.
pub(super) async fn create_project(
    app: &App,
    call: Call,
    input: CreateProject,
) -> Result<Project, ApiError> {
    if call.access.record().grant.projects != Projects::All {
        return Err(ApiError::forbidden(
            "this key does not apply to all projects; use a key for all projects to create one",
        ));
    }
    check_name(&input.name)?;
    let description = input.description.unwrap_or_default();
    if description.contains(char::is_control) {
        return Err(ApiError::invalid(
            "description must be one line without control characters",
        ));
    }
    if description.chars().count() > MAX_DESCRIPTION {
        return Err(ApiError::invalid(format!(
            "description must have at most {MAX_DESCRIPTION} characters"
        )));
    }
    let create = command::CreateProject {
        name: input.name,
        description,
    };
    Ok(app.store.write(&call.access, create).await?)
}

/// Lists the projects that the key applies to, or only the one with the given name.
#[expect(clippy::unused_async, reason = "handlers are asynchronous")]
pub(super) async fn list_projects(
    app: &App,
    call: Call,
    input: ListProjects,
) -> Result<ProjectList, ApiError> {
    let mut projects = app.store.list_projects(&call.access);
    if let Some(name) = input.name {
        projects.retain(|project| project.name == name);
    }
    Ok(ProjectList { projects })
}

/// Checks the name of a project. Names are ASCII, so that names that look the same are the same.
fn check_name(name: &str) -> Result<(), ApiError> {
    let inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ' ');
    let well_formed = (1..=MAX_NAME).contains(&name.len())
        && name.chars().all(inner)
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.ends_with(|c: char| c.is_ascii_alphanumeric());
    well_formed.then_some(()).ok_or_else(|| {
        ApiError::invalid(
            "name must have 1 to 100 letters, digits, -, _, . or spaces, and begin and end with a letter or digit",
        )
    })
}
