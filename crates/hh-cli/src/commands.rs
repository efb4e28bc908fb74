//! The commands, a file each.

pub(crate) mod auth;
pub(crate) mod config;
pub(crate) mod event;
pub(crate) mod project;
#[cfg(feature = "server")]
pub(crate) mod server;
pub(crate) mod session;

use crate::cli::Command;
use crate::context::Context;
use crate::error::CliError;

/// Runs a command.
pub(crate) fn run(context: &Context, command: Command) -> Result<(), CliError> {
    match command {
        Command::Auth(command) => auth::run(context, command),
        Command::Project(command) => project::run(context, command),
        Command::Session(command) => session::run(context, &command),
        Command::Event(command) => event::run(context, &command),
        Command::Config(command) => config::run(context, &command),
        #[cfg(feature = "server")]
        Command::Server(command) => server::run(context, command),
    }
}
