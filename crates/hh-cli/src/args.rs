//! Arguments that several commands share.

use std::path::PathBuf;

use clap::{ArgMatches, Args, ValueEnum};
use secrecy::SecretString;

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
    pub(crate) output: Option<Format>,
    /// Leave out notes and warnings; results and errors are still printed
    #[arg(short, long)]
    pub(crate) quiet: bool,
    /// Say more: server, key, its source
    #[arg(short, long)]
    pub(crate) verbose: bool,
    /// Show each request on stderr
    #[arg(long)]
    pub(crate) debug: bool,
    /// No colors, of which there are none so far
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
    pub(crate) fn read(matches: &ArgMatches) -> Self {
        let text = |name| matches.get_one::<String>(name).cloned();
        let path = |name| matches.get_one::<PathBuf>(name).cloned();
        Self {
            api_key: matches.get_one::<SecretString>("api_key").cloned(),
            base_url: text("base_url"),
            config_file: path("config_file"),
            env_file: path("env_file"),
            environment: text("environment"),
            profile: text("profile"),
            output: matches.get_one::<Format>("output").copied(),
            quiet: matches.get_flag("quiet"),
            verbose: matches.get_flag("verbose"),
            debug: matches.get_flag("debug"),
            no_color: matches.get_flag("no_color"),
            strict: matches.get_flag("strict"),
            security_log: path("security_log"),
        }
    }

    /// What was given nearer to the command's name wins.
    pub(crate) fn merge_over(self, lower: Self) -> Self {
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

/// The format of the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    Table,
    Json,
}
