//! `honeyhive config`

mod edit;
mod explain;
mod get;
mod list;
mod path;
mod record;
mod trust;
mod validate;

use clap::Subcommand;
use hh_sdk::config::{ActsOn, LoadError, Problem, SettingName, Stack, names, nearest_name, schema};
use hh_sdk::tooling::{self, Layers};
use hh_text::Diagnostic;

use crate::context::Context;
use crate::error::{CliError, diagnostic, of_problem};
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

/// All layers, with warnings told.
fn layers(context: &Context) -> Layers {
    let layers = context.layers();
    warn(context, &layers.stack);
    layers
}

fn warn(context: &Context, stack: &Stack) {
    for warning in tooling::warnings(stack) {
        context.say(&format!("warning: {warning}"));
    }
}

/// What is wrong with one setting, or with a place that may set it.
fn problems_of(layers: &Layers, name: SettingName) -> Vec<Diagnostic> {
    let is_about = |problem: &&Problem| {
        problem
            .setting()
            .is_none_or(|other| other == name || other.declared().acts_on == ActsOn::Loading)
    };
    let problems = layers.stack.problems();
    let problems = problems.iter().filter(is_about).map(of_problem);
    // The store holds these two alone.
    let is_stored = [names::API_KEY, names::BASE_URL].contains(&name);
    let store = layers.store_error.iter().filter(|_| is_stored);
    let of_store = |error: &hh_sdk::Error| diagnostic(error.message(), error.hint());
    problems.chain(store.map(of_store)).collect()
}

/// What is wrong is said after what there is: people come here to find it.
fn result(layers: Layers) -> Result<(), CliError> {
    if let Some(error) = layers.store_error {
        return Err(error.into());
    }
    match LoadError::of_all(layers.stack.problems()) {
        Some(error) => Err(error.into()),
        None => Ok(()),
    }
}

/// Finds the setting that was asked for, by its name or one of its variables.
fn find(name: &str) -> Result<SettingName, CliError> {
    let variable = name.to_ascii_uppercase();
    let of_file = variable
        .strip_suffix("_FILE")
        .and_then(SettingName::of_variable);
    if let Some(found) = SettingName::find(name)
        .or_else(|| SettingName::of_variable(&variable))
        .or_else(|| of_file.filter(|found| found.declared().secret))
    {
        return Ok(found);
    }
    let own = name.strip_suffix("_file").and_then(SettingName::find);
    let hint = match own.filter(|found| found.declared().secret) {
        Some(found) => format!("in a file it is another way to set {found}"),
        None if name == "environments" => "in a file it holds the overlays".to_owned(),
        None => match nearest_name(name) {
            Some(near) => format!("did you mean {near}?"),
            None => "see `honeyhive config list`".to_owned(),
        },
    };
    Err(CliError::usage(format!("{name} is not a setting")).with_hint(hint))
}
