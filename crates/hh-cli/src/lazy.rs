//! Parts of the command line that are built only when their command is called: all of them cost more than most commands.

use clap::{ArgMatches, Args, FromArgMatches, Subcommand};

use crate::args::Global;

/// The last line of a help page.
const GLOBAL_OPTIONS: &str = "Global options: see `honeyhive --help`";

/// Adds the global options, which the help of `honeyhive` alone lists.
fn add_global(command: clap::Command) -> clap::Command {
    Global::augment_args(command)
        .mut_args(|arg| arg.hide(true))
        .next_help_heading(None::<&str>)
        .after_help(GLOBAL_OPTIONS)
}

/// The commands of a group, put together only when one of them is called: all of them cost more than most commands.
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

/// The options of one command, put together only when it is called.
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
