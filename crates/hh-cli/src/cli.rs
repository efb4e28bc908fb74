//! The command line. Variables are resolved with all other sources, not by clap.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use secrecy::SecretString;

#[cfg(feature = "server")]
use crate::commands::server;
use crate::commands::{auth, config, event, project, session};

/// HoneyHive: observability and evaluation of LLM applications
#[derive(Parser)]
#[command(
    name = "honeyhive",
    version,
    max_term_width = 100,
    arg_required_else_help = true
)]
pub(crate) struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

impl Cli {
    pub(crate) fn split(self) -> (Global, Command) {
        (self.global, self.command)
    }
}

/// Options of every command.
#[derive(Args)]
#[command(next_help_heading = "Global options")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(crate) struct Global {
    /// API key; other users of this machine can see it here
    #[arg(long, global = true, value_name = "KEY")]
    pub(crate) api_key: Option<SecretString>,
    /// Base URL of the API
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) base_url: Option<String>,
    /// Configuration file: YAML, JSON or TOML
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config_file: Option<PathBuf>,
    /// File of variables; the real environment wins over it
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) env_file: Option<PathBuf>,
    /// Environment whose overlay is laid over the configuration file
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) environment: Option<String>,
    /// Profile of the credential store
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) profile: Option<String>,
    /// Form of the output
    #[arg(long, visible_alias = "format", global = true, value_name = "FORM")]
    pub(crate) output: Option<Form>,
    /// Leave out notes and warnings; results and errors are still printed
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
    /// Say more: server, key, its source
    #[arg(short, long, global = true)]
    pub(crate) verbose: bool,
    /// Show each request on stderr
    #[arg(long, global = true)]
    pub(crate) debug: bool,
    /// No colours, of which there are none so far
    #[arg(long, global = true)]
    no_color: bool,
    /// Treat warnings about the API key as errors
    #[arg(long, global = true)]
    pub(crate) strict: bool,
}

/// A page of a list.
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

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Log in and out, and manage API keys
    #[command(subcommand)]
    Auth(auth::Command),
    /// List and create projects
    #[command(subcommand)]
    Project(project::Command),
    /// List sessions
    #[command(subcommand)]
    Session(session::Command),
    /// List events
    #[command(subcommand)]
    Event(event::Command),
    /// Show settings and where they come from
    #[command(subcommand)]
    Config(config::Command),
    /// Run a local server
    #[cfg(feature = "server")]
    #[command(subcommand)]
    Server(server::Command),
}
