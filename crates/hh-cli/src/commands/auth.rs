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
use crate::lazy::{Called, Group};

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Check an API key and save it for later commands
    Login(Called<login::Arguments>),
    /// Remove the saved key; the key itself still works until it is revoked
    Logout(Called<logout::Arguments>),
    /// Replace the saved key by a new one with the same rights
    Rotate(Called<rotate::Arguments>),
    /// Show who the key acts for and what it may do
    Whoami(Called<()>),
    /// Show every place a key could come from and which is used
    Status(Called<status::Arguments>),
    /// List the saved logins
    List(Called<()>),
    /// Use another saved login from now on
    Switch(Called<switch::Arguments>),
    /// Check the key step by step, up to a request
    Check(Called<()>),
    /// Print the key in use into a pipe
    Token(Called<token::Arguments>),
    /// Print the line that gives a shell the key
    Env(Called<env::Arguments>),
    /// Make, list and revoke API keys
    Keys(Group<keys::Command>),
    /// Make, list and disable those whom keys act for
    Owners(Group<owners::Command>),
    /// Find API keys in files, in what is to be committed, and in the history of git
    Scan(Called<scan::Arguments>),
}

pub(super) fn run(context: &Context, command: Command) -> Result<(), CliError> {
    match command {
        Command::Login(Called(arguments)) => login::run(context, &arguments),
        Command::Logout(Called(arguments)) => logout::run(context, &arguments),
        Command::Rotate(Called(arguments)) => rotate::run(context, &arguments),
        Command::Whoami(_) => whoami::run(context),
        Command::Status(Called(arguments)) => status::run(context, &arguments),
        Command::List(_) => list::run(context),
        Command::Switch(Called(arguments)) => switch::run(context, &arguments),
        Command::Check(_) => check::run(context),
        Command::Token(Called(arguments)) => token::run(context, &arguments),
        Command::Env(Called(arguments)) => env::run(context, &arguments),
        Command::Keys(Group(command)) => keys::run(context, command),
        Command::Owners(Group(command)) => owners::run(context, command),
        Command::Scan(Called(arguments)) => scan::run(context, &arguments),
    }
}
