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
use crate::lazy::Called;
use crate::output;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// List every setting, its value and where it came from
    List(Called<list::Arguments>),
    /// Explain one setting: what it is, what is in effect, and what that shadows
    Explain(Called<explain::Arguments>),
    /// Print the value in effect of one setting
    Get(Called<get::Arguments>),
    /// Set a setting in your own configuration file
    Set(Called<edit::SetArguments>),
    /// Take a setting out of your own configuration file
    Unset(Called<edit::UnsetArguments>),
    /// Show which files are read
    Path(Called<()>),
    /// Check what is in effect, or one file
    Validate(Called<validate::Arguments>),
    /// Trust the configuration file of a working directory with its present content
    Trust(Called<trust::Arguments>),
    /// Print the JSON Schema of configuration files
    Schema(Called<()>),
}

pub(super) fn run(context: &Context, command: Command) -> Result<(), CliError> {
    if !matches!(command, Command::Schema(_)) {
        context.warn_of_visible_key();
    }
    match command {
        Command::List(Called(arguments)) => list::run(context, &arguments),
        Command::Explain(Called(arguments)) => explain::run(context, &arguments),
        Command::Get(Called(arguments)) => get::run(context, &arguments),
        Command::Set(Called(arguments)) => edit::set(context, arguments),
        Command::Unset(Called(arguments)) => edit::unset(context, &arguments),
        Command::Path(_) => path::run(context),
        Command::Validate(Called(arguments)) => validate::run(context, &arguments),
        Command::Trust(Called(arguments)) => trust::run(context, &arguments),
        Command::Schema(_) => output::verbatim(&schema()),
    }
}
