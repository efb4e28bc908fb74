//! Implements `honeyhive project`.

use clap::{Args, Subcommand};
use hh_sdk::api::types::{CreateProject, Project};

use crate::args;
use crate::context::Context;
use crate::deletion::{self, Options, Target};
use crate::error::CliError;
use crate::lazy::{LazyCommand, with_examples};
use crate::output::{Column, List, Screen, Table};
use crate::projects;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// List the projects that the key can access
    List(LazyCommand<()>),
    /// Create a project
    Create(LazyCommand<Create>),
    /// Delete a project with all its sessions and events
    Delete(LazyCommand<Delete>),
}

#[derive(Args)]
pub(crate) struct Create {
    /// Name of the project: 1 to 100 letters, digits, -, _, . or spaces
    #[arg(value_parser = args::name)]
    name: String,
    /// Description of the project, at most 500 characters
    #[arg(long, value_parser = args::name)]
    description: Option<String>,
}

#[derive(Args)]
#[command(after_help = with_examples(&[
        "honeyhive project delete docs --dry-run",
        "honeyhive project delete docs",
    ]))]
pub(crate) struct Delete {
    /// Project name, or the beginning of its ID, at least 8 characters
    #[arg(value_parser = args::name)]
    name: String,
    #[command(flatten)]
    options: Options,
}

pub(super) fn run(context: &Context, command: Command) -> Result<(), CliError> {
    // Before a request is sent.
    if let Command::Delete(LazyCommand(Delete { options, .. })) = &command {
        options.check()?;
    }
    let client = context.client(None)?;
    match command {
        Command::List(_) => {
            let projects = context.block_on(client.list_projects())?;
            let list = List::complete(&projects);
            context
                .printer()
                .list(&list, |screen| lines(&projects, screen))
        }
        Command::Create(LazyCommand(Create { name, description })) => {
            let wanted = CreateProject { name, description };
            let project = context.block_on(client.create_project(&wanted))?;
            context.success(&format!("Created project {}", project.name));
            let printer = context.printer();
            printer.object(&project, |screen| {
                lines(std::slice::from_ref(&project), screen)
            })
        }
        Command::Delete(LazyCommand(Delete { name, options })) => {
            let project = projects::find(context, client, &name)?;
            let target = Target::Project {
                project_id: project.id,
                project: project.name,
            };
            deletion::run(context, client, &target, &options)
        }
    }
}

fn lines(projects: &[Project], screen: &Screen) -> Vec<String> {
    let columns = [
        Column::text("NAME"),
        Column::id("ID"),
        Column::text("DESCRIPTION").optional(1),
    ];
    let rows = projects
        .iter()
        .map(|project| [&*project.name, &*project.id, &*project.description]);
    Table::new(columns, rows).lines(screen)
}
