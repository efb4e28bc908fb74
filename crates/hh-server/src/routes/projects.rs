use axum::body::Body;
use hh_api::types::{CreateProject, ProjectList};
use hh_auth::Projects;
use http::{Request, Response, Uri};

use super::{query, read_json};
use crate::access::Access;
use crate::app::App;
use crate::error::{ApiError, json};

const MAX_NAME: usize = 100;
const MAX_DESCRIPTION: usize = 500;

/// Creates a project. A key that applies to a list of projects cannot make one outside it.
pub(crate) async fn create_project(
    app: &App,
    access: &Access,
    request: Request<Body>,
) -> Result<Response<Body>, ApiError> {
    let (wanted, _hold) = read_json::<CreateProject>(app, access, request).await?;
    if access.record().grant.projects != Projects::All {
        return Err(ApiError::forbidden(
            "this key applies to some projects only; creating one takes a key for all projects",
        ));
    }
    check_name(&wanted.name)?;
    let description = wanted.description.unwrap_or_default();
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
    let project = app
        .store
        .create_project(access, wanted.name, description)
        .await?;
    Ok(json(&project))
}

/// Lists the projects that the key applies to; `?name=` narrows to one.
pub(crate) fn list_projects(app: &App, access: &Access, uri: &Uri) -> Response<Body> {
    let mut projects = app.store.list_projects(access);
    if let Some(name) = query(uri, "name") {
        projects.retain(|project| project.name == name);
    }
    json(&ProjectList { projects })
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
