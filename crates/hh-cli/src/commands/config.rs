//! `honeyhive config`

mod edit;
mod explain;
mod find;
mod get;
mod layers;
mod list;
mod path;
mod record;
mod trust;
mod validate;

use clap::Subcommand;
use hh_sdk::config::schema;

use crate::context::Context;
use crate::error::CliError;
use crate::lazy::LazyCommand;
use crate::output;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// List every setting, its value and where it came from
    List(LazyCommand<list::Arguments>),
    /// Explain one setting: what it is, what is in effect, and what that shadows
    Explain(LazyCommand<explain::Arguments>),
    /// Print the value in effect of one setting
    Get(LazyCommand<get::Arguments>),
    /// Set a setting in your own configuration file
    Set(LazyCommand<edit::SetArguments>),
    /// Take a setting out of your own configuration file
    Unset(LazyCommand<edit::UnsetArguments>),
    /// Show which files are read
    Path(LazyCommand<()>),
    /// Check what is in effect, or one file
    Validate(LazyCommand<validate::Arguments>),
    /// Trust the configuration file of a working directory with its present content
    Trust(LazyCommand<trust::Arguments>),
    /// Print the JSON Schema of configuration files
    Schema(LazyCommand<()>),
}

pub(super) fn run(context: &Context, command: Command) -> Result<(), CliError> {
    if !matches!(command, Command::Schema(_)) {
        context.warn_of_visible_key();
    }
    match command {
        Command::List(LazyCommand(arguments)) => list::run(context, &arguments),
        Command::Explain(LazyCommand(arguments)) => explain::run(context, &arguments),
        Command::Get(LazyCommand(arguments)) => get::run(context, &arguments),
        Command::Set(LazyCommand(arguments)) => edit::set(context, arguments),
        Command::Unset(LazyCommand(arguments)) => edit::unset(context, &arguments),
        Command::Path(_) => path::run(context),
        Command::Validate(LazyCommand(arguments)) => validate::run(context, &arguments),
        Command::Trust(LazyCommand(arguments)) => trust::run(context, &arguments),
        Command::Schema(_) => output::verbatim(&schema()),
    }
}
