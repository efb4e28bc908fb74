use super::test_response::empty;
use crate::types::{self, Project, ProjectList};
use crate::{TestModeError, TestValues};

operations! { ($) projects
    /// Creates a project.
    CreateProject {
        need: admin, retry: never, keys: [project],
        routes: [v1 POST "/v1/projects"],
        input: types::CreateProject, output: Project,
        test: created,
    }
    /// Lists the projects that the key applies to.
    ListProjects {
        need: read, retry: safe, keys: [project],
        routes: [v1 GET "/v1/projects"],
        input: types::ListProjects, output: ProjectList,
        test: empty,
    }
    /// Deletes a project with all its events and sessions.
    DeleteProject {
        need: admin, retry: never, keys: [project],
        routes: [v1 DELETE "/v1/projects/{project_id}"],
        input: types::DeleteProject, output: types::DeletedData,
    }
}

/// Returns the project of test mode.
#[expect(
    clippy::unnecessary_wraps,
    reason = "all test mode responses have this type"
)]
fn created(project: &types::CreateProject, values: &TestValues) -> Result<Project, TestModeError> {
    Ok(Project {
        id: values.id.to_string(),
        name: project.name.clone(),
        description: project.description.clone().unwrap_or_default(),
    })
}
