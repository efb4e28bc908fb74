use hh_api::types::{CreateProject, ListProjects, Project, ProjectList};
use hh_auth::Projects;

use super::Call;
use crate::app::App;
use crate::http::error::ApiError;
use crate::store as command;

const MAX_NAME: usize = 100;
const MAX_DESCRIPTION: usize = 500;

/// Creates a project. A key that applies to a list of projects cannot make one outside it.
pub(super) async fn create_project(
    app: &App,
    call: Call,
    input: CreateProject,
) -> Result<Project, ApiError> {
    if call.access.record().grant.projects != Projects::All {
        return Err(ApiError::forbidden(
            "this key applies to some projects only; creating one takes a key for all projects",
        ));
    }
    check_name(&input.name)?;
    let description = input.description.unwrap_or_default();
    if description.contains(char::is_control) {
        return Err(ApiError::invalid(
            "a description is one line without control characters",
        ));
    }
    if description.chars().count() > MAX_DESCRIPTION {
        return Err(ApiError::invalid(format!(
            "a description has at most {MAX_DESCRIPTION} characters"
        )));
    }
    let create = command::CreateProject {
        name: input.name,
        description,
    };
    Ok(app.store.write(&call.access, create).await?)
}

/// Lists the projects that the key applies to, or the one with a name.
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

/// Names are ASCII, so that two that look the same are the same.
fn check_name(name: &str) -> Result<(), ApiError> {
    let inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ' ');
    let well_formed = (1..=MAX_NAME).contains(&name.len())
        && name.chars().all(inner)
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.ends_with(|c: char| c.is_ascii_alphanumeric());
    well_formed.then_some(()).ok_or_else(|| {
        ApiError::invalid(
            "a project name has 1 to 100 letters, digits, -, _, . or spaces, and begins and ends with a letter or digit",
        )
    })
}
