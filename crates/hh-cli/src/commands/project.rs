//! `honeyhive project`

use clap::{Args, Subcommand};
use hh_sdk::api::types::{CreateProject, Project};

use crate::context::Context;
use crate::error::CliError;
use crate::lazy::LazyCommand;
use crate::output;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// List the projects that the key applies to
    List(LazyCommand<()>),
    /// Create a project
    Create(LazyCommand<Create>),
}

#[derive(Args)]
pub(crate) struct Create {
    /// Name: 1 to 100 letters, digits, -, _, . or spaces
    name: String,
    /// What it is for, at most 500 characters
    #[arg(long)]
    description: Option<String>,
}

pub(super) fn run(context: &Context, command: Command) -> Result<(), CliError> {
    let client = context.client(None)?;
    match command {
        Command::List(_) => {
            let projects = context.block_on(client.list_projects())?;
            if context.is_json() {
                return output::json(&projects);
            }
            show(&projects)
        }
        Command::Create(LazyCommand(Create { name, description })) => {
            let wanted = CreateProject { name, description };
            let project = context.block_on(client.create_project(&wanted))?;
            if context.is_json() {
                return output::json(&project);
            }
            context.note(&format!("Created project {}", project.name));
            show(&[project])
        }
    }
}

fn show(projects: &[Project]) -> Result<(), CliError> {
    let rows = projects.iter().map(|project| {
        [
            project.name.clone(),
            project.id.clone(),
            project.description.clone(),
        ]
    });
    output::table(["NAME", "ID", "DESCRIPTION"], rows)
}
