//! The root of the command line. Variables are resolved with all other sources, not by clap.

use std::env;
use std::mem::ManuallyDrop;

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use crate::args::Global;
#[cfg(feature = "server")]
use crate::commands::server;
use crate::commands::{auth, completion, config, doctor, event, project, session};
use crate::lazy::{LazyCommand, LazyGroup};

/// HoneyHive: observability and evaluation of LLM applications
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

/// Returns the command `honeyhive`; [`clap::Command::build`] adds its subcommands.
pub fn command() -> clap::Command {
    Cli::command()
}

/// Returns the whole tree of commands for manual pages, each of which lists the global options too.
pub fn manual() -> clap::Command {
    fn show(command: clap::Command) -> clap::Command {
        command
            .mut_args(|arg| arg.hide(false))
            .after_help(None::<&str>)
            .mut_subcommands(show)
    }
    let mut command = command();
    command.build();
    show(command)
}

/// Reads the command line.
///
/// The options of every command are added to those commands alone that are called: clap's own `global` copies each into
/// every command there is, which costs more than most commands do.
pub(crate) fn parse() -> Result<(Global, Command), clap::Error> {
    // To take the tree of all commands apart would cost a twentieth of a short command.
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
    /// Show settings and where they come from
    Config(LazyGroup<config::Command>),
    /// Find out why HoneyHive does not work here, step by step
    Doctor(LazyCommand<doctor::Arguments>),
    /// Print what a shell needs to complete commands and options
    Completion(LazyGroup<completion::Command>),
    /// Run a local server
    #[cfg(feature = "server")]
    Server(LazyGroup<server::Command>),
}
