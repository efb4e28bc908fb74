//! The command line. Variables are resolved with all other sources, not by clap.

use std::env;
use std::mem::ManuallyDrop;
use std::path::PathBuf;

use clap::{ArgMatches, Args, CommandFactory as _, FromArgMatches, Parser, Subcommand, ValueEnum};
use secrecy::SecretString;

#[cfg(feature = "server")]
use crate::commands::server;
use crate::commands::{auth, completion, config, doctor, event, project, session};

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

/// The command `honeyhive`. What is below it is put together by [`clap::Command::build`].
pub fn command() -> clap::Command {
    Cli::command()
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
        global = Global::read(below).over(global);
        at = below;
    }
    Ok((global, Command::from_arg_matches_mut(&mut matches)?))
}

// Options of every command; not a comment that becomes the command's own description.
#[derive(Args)]
#[command(next_help_heading = "Global options")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(crate) struct Global {
    /// API key; other users of this machine can see it here
    #[arg(long, value_name = "KEY")]
    pub(crate) api_key: Option<SecretString>,
    /// Base URL of the API
    #[arg(long, value_name = "URL")]
    pub(crate) base_url: Option<String>,
    /// Configuration file: YAML, JSON or TOML
    #[arg(long, value_name = "FILE")]
    pub(crate) config_file: Option<PathBuf>,
    /// File of variables; the real environment wins over it
    #[arg(long, value_name = "FILE")]
    pub(crate) env_file: Option<PathBuf>,
    /// Environment whose overlay is laid over the configuration file
    #[arg(long, value_name = "NAME")]
    pub(crate) environment: Option<String>,
    /// Profile of the credential store
    #[arg(long, value_name = "NAME")]
    pub(crate) profile: Option<String>,
    /// Form of the output
    #[arg(long, visible_alias = "format", value_name = "FORM")]
    pub(crate) output: Option<Form>,
    /// Leave out notes and warnings; results and errors are still printed
    #[arg(short, long)]
    pub(crate) quiet: bool,
    /// Say more: server, key, its source
    #[arg(short, long)]
    pub(crate) verbose: bool,
    /// Show each request on stderr
    #[arg(long)]
    pub(crate) debug: bool,
    /// No colours, of which there are none so far
    #[arg(long)]
    no_color: bool,
    /// Treat warnings about the API key as errors
    #[arg(long)]
    pub(crate) strict: bool,
    /// File that a record of key use goes to, a line of JSON for each event
    #[arg(long, value_name = "FILE")]
    pub(crate) security_log: Option<PathBuf>,
}

impl Global {
    /// Reads them by their names, without the copy of everything that the derived code makes first.
    fn read(matches: &ArgMatches) -> Self {
        let text = |name| matches.get_one::<String>(name).cloned();
        let path = |name| matches.get_one::<PathBuf>(name).cloned();
        Self {
            api_key: matches.get_one::<SecretString>("api_key").cloned(),
            base_url: text("base_url"),
            config_file: path("config_file"),
            env_file: path("env_file"),
            environment: text("environment"),
            profile: text("profile"),
            output: matches.get_one::<Form>("output").copied(),
            quiet: matches.get_flag("quiet"),
            verbose: matches.get_flag("verbose"),
            debug: matches.get_flag("debug"),
            no_color: matches.get_flag("no_color"),
            strict: matches.get_flag("strict"),
            security_log: path("security_log"),
        }
    }

    /// What was given nearer to the command's name wins.
    fn over(self, lower: Self) -> Self {
        Self {
            api_key: self.api_key.or(lower.api_key),
            base_url: self.base_url.or(lower.base_url),
            config_file: self.config_file.or(lower.config_file),
            env_file: self.env_file.or(lower.env_file),
            environment: self.environment.or(lower.environment),
            profile: self.profile.or(lower.profile),
            output: self.output.or(lower.output),
            quiet: self.quiet | lower.quiet,
            verbose: self.verbose | lower.verbose,
            debug: self.debug | lower.debug,
            no_color: self.no_color | lower.no_color,
            strict: self.strict | lower.strict,
            security_log: self.security_log.or(lower.security_log),
        }
    }
}

// A page of a list; not a comment that becomes the command's own description.
#[derive(Args)]
pub(crate) struct List {
    /// Project, unless the key has only one
    #[arg(long, value_name = "NAME")]
    pub(crate) project: Option<String>,
    /// How many on a page
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=7500))]
    pub(crate) limit: u32,
    /// Page, counted from 1
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) page: u32,
}

/// The form of the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Form {
    Table,
    Json,
}

/// The commands of a group, put together only when one of them is called: all of them cost more than most commands.
pub(crate) struct Group<T>(pub(crate) T);

impl<T: Subcommand> Args for Group<T> {
    fn augment_args(command: clap::Command) -> clap::Command {
        command
            .subcommand_required(true)
            .arg_required_else_help(true)
            .defer(|command| T::augment_subcommands(Global::augment_args(command)))
    }

    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        Self::augment_args(command)
    }
}

/// The options of one command, put together only when it is called.
pub(crate) struct Called<T>(pub(crate) T);

impl<T: Args> Args for Called<T> {
    fn augment_args(command: clap::Command) -> clap::Command {
        command.defer(|command| Global::augment_args(T::augment_args(command)))
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

read_as_within!(Group Called);

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Log in and out, and manage API keys
    Auth(Group<auth::Command>),
    /// List and create projects
    Project(Group<project::Command>),
    /// List sessions
    Session(Group<session::Command>),
    /// List events
    Event(Group<event::Command>),
    /// Show settings and where they come from
    Config(Group<config::Command>),
    /// Find out why HoneyHive does not work here, step by step
    Doctor(Called<doctor::Arguments>),
    /// Print what a shell needs to complete commands and options
    Completion(Group<completion::Command>),
    /// Run a local server
    #[cfg(feature = "server")]
    Server(Group<server::Command>),
}
