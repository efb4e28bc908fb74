//! Implements `honeyhive config`.

mod change;
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
    /// List settings with their values and sources
    List(LazyCommand<list::Arguments>),
    /// Explain a setting: its purpose, value, source and shadowed values
    Explain(LazyCommand<explain::Arguments>),
    /// Print the value of a setting
    Get(LazyCommand<get::Arguments>),
    /// Set a value in the user configuration file
    Set(LazyCommand<change::SetArguments>),
    /// Remove a setting from the user configuration file
    Unset(LazyCommand<change::UnsetArguments>),
    /// Open the user configuration file in an editor (`VISUAL`, `EDITOR` or vi)
    Edit(LazyCommand<()>),
    /// Show which configuration files are read
    Path(LazyCommand<()>),
    /// Check the settings in effect, or a single file
    Validate(LazyCommand<validate::Arguments>),
    /// Trust a project configuration file (until its content changes)
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
        Command::Set(LazyCommand(arguments)) => change::set(context, arguments),
        Command::Unset(LazyCommand(arguments)) => change::unset(context, &arguments),
        Command::Edit(_) => edit::run(context),
        Command::Path(_) => path::run(context),
        Command::Validate(LazyCommand(arguments)) => validate::run(context, &arguments),
        Command::Trust(LazyCommand(arguments)) => trust::run(context, &arguments),
        Command::Schema(_) => output::verbatim(&schema()),
    }
}
