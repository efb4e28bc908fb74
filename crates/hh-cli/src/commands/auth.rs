//! Implements `honeyhive auth`.

mod check;
mod env;
mod keys;
mod list;
mod login;
mod logout;
mod only_copy;
mod owners;
mod prompt;
mod rotate;
mod scan;
mod status;
mod switch;
mod token;
mod whoami;

use clap::Subcommand;

use crate::context::Context;
use crate::error::CliError;
use crate::lazy::{LazyCommand, LazyGroup};

pub(crate) use login::Arguments as LoginArguments;
pub(crate) use logout::Arguments as LogoutArguments;
pub(crate) use status::Arguments as StatusArguments;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Verify an API key and save it in a profile
    Login(LazyCommand<login::Arguments>),
    /// Remove the saved key (does not revoke it)
    Logout(LazyCommand<logout::Arguments>),
    /// Replace the saved key with a new one that has the same permissions
    Rotate(LazyCommand<rotate::Arguments>),
    /// Show the owner and the permissions of the active key
    Whoami(LazyCommand<()>),
    /// Show where API keys are configured and which one is active
    Status(LazyCommand<status::Arguments>),
    /// List saved profiles
    List(LazyCommand<()>),
    /// Switch to another saved profile
    Switch(LazyCommand<switch::Arguments>),
    /// Verify the active key in steps: source, format, authentication and access to projects
    Check(LazyCommand<()>),
    /// Print the active key
    Token(LazyCommand<token::Arguments>),
    /// Print a shell command that sets `HH_API_KEY`
    Env(LazyCommand<env::Arguments>),
    /// Create, list and revoke API keys
    #[command(visible_alias = "key")]
    Keys(LazyGroup<keys::Command>),
    /// Manage key owners (users and service accounts)
    #[command(visible_alias = "owner")]
    Owners(LazyGroup<owners::Command>),
    /// Scan files, staged changes or git history for leaked API keys
    Scan(LazyCommand<scan::Arguments>),
}

pub(super) fn run(context: &Context, command: Command) -> Result<(), CliError> {
    match command {
        Command::Login(LazyCommand(arguments)) => login::run(context, &arguments),
        Command::Logout(LazyCommand(arguments)) => logout::run(context, &arguments),
        Command::Rotate(LazyCommand(arguments)) => rotate::run(context, &arguments),
        Command::Whoami(_) => whoami::run(context),
        Command::Status(LazyCommand(arguments)) => status::run(context, &arguments),
        Command::List(_) => list::run(context),
        Command::Switch(LazyCommand(arguments)) => switch::run(context, &arguments),
        Command::Check(_) => check::run(context),
        Command::Token(LazyCommand(arguments)) => token::run(context, &arguments),
        Command::Env(LazyCommand(arguments)) => env::run(context, &arguments),
        Command::Keys(LazyGroup(command)) => keys::run(context, command),
        Command::Owners(LazyGroup(command)) => owners::run(context, command),
        Command::Scan(LazyCommand(arguments)) => scan::run(context, &arguments),
    }
}
