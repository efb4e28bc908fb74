//! `honeyhive auth`

mod keys;
mod login;
mod logout;
mod prompt;
mod whoami;

use clap::Subcommand;

use crate::cli::Group;
use crate::context::Context;
use crate::error::CliError;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Check an API key and save it for later commands
    Login(login::Arguments),
    /// Remove the saved key; the key itself still works until it is revoked
    Logout(logout::Arguments),
    /// Show who the key acts for and what it may do
    Whoami,
    /// Make, list and revoke API keys
    Keys(Group<keys::Command>),
}

pub(super) fn run(context: &Context, command: Command) -> Result<(), CliError> {
    match command {
        Command::Login(arguments) => login::run(context, &arguments),
        Command::Logout(arguments) => logout::run(context, &arguments),
        Command::Whoami => whoami::run(context),
        Command::Keys(Group(command)) => keys::run(context, command),
    }
}
