//! Implements the commands, one file for each.

pub(crate) mod api;
pub(crate) mod auth;
pub(crate) mod completion;
pub(crate) mod config;
pub(crate) mod doctor;
pub(crate) mod event;
pub(crate) mod project;
#[cfg(feature = "server")]
pub(crate) mod server;
pub(crate) mod session;
pub(crate) mod version;

use crate::cli::{self, Command};
use crate::context::Context;
use crate::error::CliError;
use crate::lazy::{LazyCommand, LazyGroup};

/// Runs a command.
pub(crate) fn run(context: &Context, command: Command) -> Result<(), CliError> {
    match command {
        Command::Auth(LazyGroup(command)) => auth::run(context, command),
        Command::Project(LazyGroup(command)) => project::run(context, command),
        Command::Session(LazyGroup(command)) => session::run(context, command),
        Command::Event(LazyGroup(command)) => event::run(context, command),
        Command::Config(LazyGroup(command)) => config::run(context, command),
        Command::Api(LazyCommand(arguments)) => api::run(context, &arguments),
        Command::Doctor(LazyCommand(arguments)) => doctor::run(context, &arguments),
        Command::Completion(LazyGroup(command)) => completion::run(&command, cli::command()),
        #[cfg(feature = "server")]
        Command::Server(LazyGroup(command)) => server::run(context, command),
        Command::Version(_) => version::run(context),
        Command::Login(arguments) => auth::run(context, auth::Command::Login(arguments)),
        Command::Logout(arguments) => auth::run(context, auth::Command::Logout(arguments)),
        Command::Whoami(arguments) => auth::run(context, auth::Command::Whoami(arguments)),
        Command::Status(arguments) => auth::run(context, auth::Command::Status(arguments)),
    }
}
