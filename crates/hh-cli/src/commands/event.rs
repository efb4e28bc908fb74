//! Implements `honeyhive event`.

mod create;
mod delete;
pub(super) mod details;
mod export;
mod filters;
mod get;
mod list;
mod members;
pub(super) mod tree;
mod update;

use clap::Subcommand;

use crate::context::Context;
use crate::error::CliError;
use crate::lazy::LazyCommand;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// List or search events, newest first
    #[command(visible_alias = "search")]
    List(LazyCommand<list::Events>),
    /// Show an event
    Get(LazyCommand<get::Get>),
    /// Create an event and print its ID
    Create(LazyCommand<create::Create>),
    /// Update the outputs, metadata, metrics, feedback or user properties of an event
    Update(LazyCommand<update::Update>),
    /// Delete an event, or the data of a user
    Delete(LazyCommand<delete::Delete>),
    /// Write any number of events to a file or to standard output
    Export(LazyCommand<export::Export>),
}

pub(super) fn run(context: &Context, command: Command) -> Result<(), CliError> {
    match command {
        Command::List(LazyCommand(arguments)) => list::run(context, &arguments),
        Command::Get(LazyCommand(arguments)) => get::run(context, &arguments),
        Command::Create(LazyCommand(arguments)) => create::run(context, arguments),
        Command::Update(LazyCommand(arguments)) => update::run(context, arguments),
        Command::Delete(LazyCommand(arguments)) => delete::run(context, arguments),
        Command::Export(LazyCommand(arguments)) => export::run(context, &arguments),
    }
}
