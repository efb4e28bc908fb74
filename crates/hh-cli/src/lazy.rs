//! Builds the parts of the command line only when their command is called, because building all of them takes longer
//! than most commands run.

use std::ffi::OsString;
use std::mem::ManuallyDrop;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::{ArgMatches, Args, CommandFactory, FromArgMatches, Subcommand};

use crate::args::Global;

/// Whether commands are built without the global options.
static WITHOUT_GLOBAL: AtomicBool = AtomicBool::new(false);

/// Parses a command line that contains no option. Building the global options at every level takes a third of the time
/// of a short command, and such a command line needs them only for help and errors.
///
/// Returns `None` for help, for errors, and if there are options. These require the complete command.
pub(crate) fn parse_without_options<T: CommandFactory>(words: &[OsString]) -> Option<ArgMatches> {
    let is_option = |word: &OsString| word.as_encoded_bytes().starts_with(b"-");
    if words.iter().any(is_option) {
        return None;
    }
    WITHOUT_GLOBAL.store(true, Ordering::Relaxed);
    let matches = parse(T::command(), words);
    WITHOUT_GLOBAL.store(false, Ordering::Relaxed);
    matches.ok()
}

/// Parses a command line without dropping the tree of all commands, which would take 5 % of the time of a short command.
pub(crate) fn parse(command: clap::Command, words: &[OsString]) -> Result<ArgMatches, clap::Error> {
    ManuallyDrop::new(command).try_get_matches_from_mut(words)
}

/// The last line of the help of every subcommand.
const GLOBAL_OPTIONS: &str = "Global options: see `honeyhive --help`";

/// Returns the end of the help of a command with examples.
pub(crate) fn with_examples(examples: &[&str]) -> String {
    let examples = examples.join("\n  ");
    format!("Examples:\n  {examples}\n\n{GLOBAL_OPTIONS}")
}

/// Adds the global options, hidden, because only the help of `honeyhive` lists them.
fn add_global(command: clap::Command) -> clap::Command {
    if WITHOUT_GLOBAL.load(Ordering::Relaxed) {
        return command;
    }
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
