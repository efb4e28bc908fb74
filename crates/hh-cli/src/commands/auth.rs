//! `honeyhive auth`

mod check;
mod env;
mod keys;
mod list;
mod login;
mod logout;
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

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Check an API key and save it for later commands
    Login(LazyCommand<login::Arguments>),
    /// Remove the saved key; the key itself still works until it is revoked
    Logout(LazyCommand<logout::Arguments>),
    /// Replace the saved key by a new one with the same rights
    Rotate(LazyCommand<rotate::Arguments>),
    /// Show who the key acts for and what it may do
    Whoami(LazyCommand<()>),
    /// Show every place a key could come from and which is used
    Status(LazyCommand<status::Arguments>),
    /// List the saved logins
    List(LazyCommand<()>),
    /// Use another saved login from now on
    Switch(LazyCommand<switch::Arguments>),
    /// Check the key step by step, up to a request
    Check(LazyCommand<()>),
    /// Print the key in use into a pipe
    Token(LazyCommand<token::Arguments>),
    /// Print the line that gives a shell the key
    Env(LazyCommand<env::Arguments>),
    /// Make, list and revoke API keys
    Keys(LazyGroup<keys::Command>),
    /// Make, list and disable those whom keys act for
    Owners(LazyGroup<owners::Command>),
    /// Find API keys in files, in what is to be committed, and in the history of git
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
