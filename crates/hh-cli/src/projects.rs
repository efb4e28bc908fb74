//! Selects a project by its name, or by the beginning of its id.

use hh_sdk::HoneyHive;
use hh_sdk::api::types::Project;

use crate::context::{Context, is_part_of_id};
use crate::error::CliError;
use crate::exit::Exit;
use crate::prefix;

/// Returns the project with a name or the beginning of an id. A name takes precedence.
pub(crate) fn find(
    context: &Context,
    client: &HoneyHive,
    wanted: &str,
) -> Result<Project, CliError> {
    if client.settings().test_mode.value {
        // The list of test mode is empty, but the error would be wrong. The next request returns the right one.
        return Ok(Project {
            id: wanted.to_owned(),
            name: wanted.to_owned(),
            description: String::new(),
        });
    }
    let mut projects = context.block_on(client.list_projects())?;
    let mut found = projects.iter().position(|project| project.name == wanted);
    if found.is_none() && is_part_of_id(wanted) {
        let part = wanted.to_ascii_lowercase();
        let ids = projects.iter().map(|project| project.id.as_str());
        let id = prefix::find("project", &part, ids)?;
        found = projects
            .iter()
            .position(|project| Some(project.id.as_str()) == id);
    }
    match found {
        Some(index) => Ok(projects.swap_remove(index)),
        None => Err(
            CliError::new(Exit::Network, format!("project {wanted} was not found")).with_hint(
                "run `honeyhive project list` to list the projects that the key can access",
            ),
        ),
    }
}
