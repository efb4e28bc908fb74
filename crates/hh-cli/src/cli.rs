//! Parses the command line. clap does not read environment variables: they are resolved together with all other sources
//! of settings.

use std::env;
use std::mem::ManuallyDrop;

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use crate::args::Global;
#[cfg(feature = "server")]
use crate::commands::server;
use crate::commands::{auth, completion, config, doctor, event, project, session};
use crate::lazy::{LazyCommand, LazyGroup};

/// Observability and evaluation for LLM applications
#[derive(Parser)]
#[command(
    name = "honeyhive",
    version,
    max_term_width = 100,
    arg_required_else_help = true
)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// Returns the command `honeyhive`. Call [`clap::Command::build`] on it to add the arguments of its subcommands.
pub fn command() -> clap::Command {
    Cli::command()
}

/// Returns the complete command tree for manual pages. Every command in it also lists the global options.
pub fn manual() -> clap::Command {
    /// Makes the hidden options of a command and of its subcommands visible, and hides the commands `help`, which would
    /// have a page for every other command.
    fn show(command: clap::Command) -> clap::Command {
        if command.get_name() == "help" {
            return command.hide(true);
        }
        command
            .mut_args(|arg| arg.hide(false))
            .after_help(None::<&str>)
            .mut_subcommands(show)
    }
    let mut command = command();
    command.build();
    show(command)
}

/// Parses the command line.
///
/// The global options are added only to the command that is called and to its parents. The attribute `global` of clap
/// would copy them into every command, which takes longer than most commands run.
pub(crate) fn parse() -> Result<(Global, Command), clap::Error> {
    // Dropping the tree of all commands would take 5 % of the time of a short command.
    let mut command = ManuallyDrop::new(command());
    let mut matches = command.try_get_matches_from_mut(env::args_os())?;
    let mut global = Global::read(&matches);
    let mut at = &matches;
    while let Some((_, below)) = at.subcommand() {
        global = Global::read(below).merge_over(global);
        at = below;
    }
    Ok((global, Command::from_arg_matches_mut(&mut matches)?))
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Log in and out, and manage API keys
    Auth(LazyGroup<auth::Command>),
    /// List and create projects
    Project(LazyGroup<project::Command>),
    /// List sessions
    Session(LazyGroup<session::Command>),
    /// List events
    Event(LazyGroup<event::Command>),
    /// View and change settings
    Config(LazyGroup<config::Command>),
    /// Diagnose configuration, network and authentication problems
    Doctor(LazyCommand<doctor::Arguments>),
    /// Generate shell completions
    Completion(LazyGroup<completion::Command>),
    /// Run a local server
    #[cfg(feature = "server")]
    Server(LazyGroup<server::Command>),
}
