//! The commands, a file each.

pub(crate) mod auth;
pub(crate) mod completion;
pub(crate) mod config;
pub(crate) mod doctor;
pub(crate) mod event;
pub(crate) mod project;
#[cfg(feature = "server")]
pub(crate) mod server;
pub(crate) mod session;

use crate::cli::{self, Command};
use crate::context::Context;
use crate::error::CliError;
use crate::lazy::{Called, Group};

/// Runs a command.
pub(crate) fn run(context: &Context, command: Command) -> Result<(), CliError> {
    match command {
        Command::Auth(Group(command)) => auth::run(context, command),
        Command::Project(Group(command)) => project::run(context, command),
        Command::Session(Group(command)) => session::run(context, &command),
        Command::Event(Group(command)) => event::run(context, &command),
        Command::Config(Group(command)) => config::run(context, command),
        Command::Doctor(Called(arguments)) => doctor::run(context, &arguments),
        Command::Completion(Group(command)) => completion::run(&command, cli::command()),
        #[cfg(feature = "server")]
        Command::Server(Group(command)) => server::run(context, command),
    }
}
