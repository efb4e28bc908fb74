//! Builds the parts of the command line only when their command is called, because building all of them takes longer
//! than most commands run.

use clap::{ArgMatches, Args, FromArgMatches, Subcommand};

use crate::args::Global;

/// The last line of the help of every subcommand.
const GLOBAL_OPTIONS: &str = "Global options: see `honeyhive --help`";

/// Returns the end of the help of a command with examples.
pub(crate) fn with_examples(examples: &[&str]) -> String {
    let examples = examples.join("\n  ");
    format!("Examples:\n  {examples}\n\n{GLOBAL_OPTIONS}")
}

/// Adds the global options, hidden, because only the help of `honeyhive` lists them.
fn add_global(command: clap::Command) -> clap::Command {
    Global::augment_args(command)
        .mut_args(|arg| arg.hide(true))
        .next_help_heading(None::<&str>)
        .after_help(GLOBAL_OPTIONS)
}

/// The commands of a group, built only when one of them is called.
pub(crate) struct LazyGroup<T>(pub(crate) T);

impl<T: Subcommand> Args for LazyGroup<T> {
    fn augment_args(command: clap::Command) -> clap::Command {
        command
            .subcommand_required(true)
            .arg_required_else_help(true)
            .defer(|command| T::augment_subcommands(add_global(command)))
    }

    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        Self::augment_args(command)
    }
}

/// The options of one command, built only when it is called.
pub(crate) struct LazyCommand<T>(pub(crate) T);

impl<T: Args> Args for LazyCommand<T> {
    fn augment_args(command: clap::Command) -> clap::Command {
        command.defer(|command| T::augment_args(add_global(command)))
    }

    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        Self::augment_args(command)
    }
}

macro_rules! read_as_within {
    ($($outer:ident)*) => {$(
        impl<T: FromArgMatches> FromArgMatches for $outer<T> {
            fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
                T::from_arg_matches(matches).map(Self)
            }

            fn from_arg_matches_mut(matches: &mut ArgMatches) -> Result<Self, clap::Error> {
                T::from_arg_matches_mut(matches).map(Self)
            }

            fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
                self.0.update_from_arg_matches(matches)
            }
        }
    )*};
}

read_as_within!(LazyGroup LazyCommand);
