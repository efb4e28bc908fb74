//! Defines the arguments that several commands share.

use std::ffi::OsString;
use std::ops::RangeInclusive;
use std::path::PathBuf;

use clap::{ArgMatches, Args, ValueEnum};
use hh_sdk::auth::{check_name, check_path};
use secrecy::SecretString;

// The options of every command. A doc comment would become the description of the command.
#[derive(Args, Default)]
#[command(next_help_heading = "Global options")]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each field is a separate flag"
)]
pub(crate) struct Global {
    /// API key (visible to other users in the process list)
    #[arg(long, value_name = "KEY")]
    pub(crate) api_key: Option<SecretString>,
    /// Base URL of the API
    #[arg(long, value_name = "URL")]
    pub(crate) base_url: Option<String>,
    /// Configuration file (YAML, JSON or TOML)
    #[arg(long, value_name = "FILE")]
    pub(crate) config_file: Option<PathBuf>,
    /// Load variables from a .env file (the process environment takes precedence)
    #[arg(long, value_name = "FILE")]
    pub(crate) env_file: Option<PathBuf>,
    /// Apply the configuration overlay of this environment, e.g. `staging`
    #[arg(long, value_name = "NAME")]
    pub(crate) environment: Option<String>,
    /// Credential profile to use
    #[arg(long, value_name = "NAME")]
    pub(crate) profile: Option<String>,
    /// Output format
    #[arg(short, long, visible_alias = "format", value_name = "FORMAT")]
    pub(crate) output: Option<Format>,
    /// Print only these fields, separated by commas, as JSON or in the format of --output
    #[arg(long, value_name = "FIELDS", value_delimiter = ',')]
    pub(crate) json: Vec<String>,
    /// Apply a jq filter to the JSON output
    #[arg(long, value_name = "FILTER")]
    pub(crate) jq: Option<String>,
    /// Print absolute times in UTC
    #[arg(long)]
    pub(crate) utc: bool,
    /// Suppress notes and warnings
    #[arg(short, long)]
    pub(crate) quiet: bool,
    /// Print the server, the active key and the source of the key
    #[arg(short, long)]
    pub(crate) verbose: bool,
    /// Log each HTTP request to stderr
    #[arg(long)]
    pub(crate) debug: bool,
    /// When to print colors
    #[arg(long, value_name = "WHEN")]
    color: Option<ColorChoice>,
    /// Never print colors, the same as --color never
    #[arg(long)]
    no_color: bool,
    /// Treat warnings about the API key as errors
    #[arg(long)]
    pub(crate) strict: bool,
    /// Append security events, e.g. logins and rotations, to this file (JSON lines)
    #[arg(long, value_name = "FILE")]
    pub(crate) security_log: Option<PathBuf>,
}

impl Global {
    /// Returns when to print colors.
    pub(crate) fn color(&self) -> ColorChoice {
        match self.color {
            _ if self.no_color => ColorChoice::Never,
            Some(choice) => choice,
            None => ColorChoice::Auto,
        }
    }

    /// Reads the options by name, without the copy of all matches that the derived code creates first.
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
            json: matches
                .get_many::<String>("json")
                .map_or_else(Vec::new, |fields| fields.cloned().collect()),
            jq: text("jq"),
            utc: matches.get_flag("utc"),
            quiet: matches.get_flag("quiet"),
            verbose: matches.get_flag("verbose"),
            debug: matches.get_flag("debug"),
            color: matches.get_one::<ColorChoice>("color").copied(),
            no_color: matches.get_flag("no_color"),
            strict: matches.get_flag("strict"),
            security_log: path("security_log"),
        }
    }

    /// Finds the options for the output in a command line that is invalid.
    pub(crate) fn guess(arguments: impl Iterator<Item = OsString>) -> Self {
        let words: Vec<_> = arguments
            .map(|word| word.to_string_lossy().into_owned())
            .take_while(|word| word != "--")
            .collect();
        let mut guessed = Self::default();
        for (at, word) in words.iter().enumerate() {
            let next = words.get(at + 1).map_or("", String::as_str);
            let (name, value) = match word.split_once('=') {
                Some((name, value)) => (name, value),
                None => (word.as_str(), next),
            };
            match name {
                "--output" | "--format" | "-o" => {
                    guessed.output = Format::of_name(value).or(guessed.output);
                }
                "--json" => guessed.json = vec![value.to_owned()],
                "--jq" => guessed.jq = Some(value.to_owned()),
                _ => {
                    if let Some(value) = word.strip_prefix("-o") {
                        guessed.output = Format::of_name(value).or(guessed.output);
                    }
                }
            }
        }
        guessed
    }

    /// Merges the options of a command over those of its parent command, which have lower precedence.
    pub(crate) fn merge_over(self, lower: Self) -> Self {
        Self {
            api_key: self.api_key.or(lower.api_key),
            base_url: self.base_url.or(lower.base_url),
            config_file: self.config_file.or(lower.config_file),
            env_file: self.env_file.or(lower.env_file),
            environment: self.environment.or(lower.environment),
            profile: self.profile.or(lower.profile),
            output: self.output.or(lower.output),
            json: if self.json.is_empty() {
                lower.json
            } else {
                self.json
            },
            jq: self.jq.or(lower.jq),
            utc: self.utc | lower.utc,
            quiet: self.quiet | lower.quiet,
            verbose: self.verbose | lower.verbose,
            debug: self.debug | lower.debug,
            color: self.color.or(lower.color),
            no_color: self.no_color | lower.no_color,
            strict: self.strict | lower.strict,
            security_log: self.security_log.or(lower.security_log),
        }
    }
}

/// When colors are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColorChoice {
    // On a terminal, unless `NO_COLOR` is set
    Auto,
    // Also in files and pipes
    Always,
    // Plain text
    Never,
}

/// Checks an argument that is a path. A key that was pasted here would become the name of a file.
pub(crate) fn path(text: &str) -> Result<PathBuf, String> {
    match check_path(text) {
        Ok(()) => Ok(PathBuf::from(text)),
        Err(_) => Err("expected a path, but found an API key".to_owned()),
    }
}

/// Parses a number of results.
fn limit(text: &str) -> Result<u32, String> {
    number(text, 1..=7500)
}

/// Parses the number of a page.
fn page(text: &str) -> Result<u32, String> {
    number(text, 1..=u32::MAX)
}

fn number(text: &str, range: RangeInclusive<u32>) -> Result<u32, String> {
    let number = text.parse().ok().filter(|number| range.contains(number));
    number.ok_or_else(|| match range.end() {
        &u32::MAX => format!("expected a whole number of at least {}", range.start()),
        end => format!("expected a whole number from {} to {end}", range.start()),
    })
}

/// Checks an argument that is a name or a text about an object. A key that was pasted here would be sent to the server.
pub(crate) fn name(text: &str) -> Result<String, String> {
    match check_name(text) {
        Ok(()) => Ok(text.to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

// The options of commands that list pages. A doc comment would become the description of the command.
#[derive(Args)]
pub(crate) struct List {
    /// Project name (defaults to the only project of the key, or `default`)
    #[arg(long, value_name = "NAME", value_parser = name)]
    pub(crate) project: Option<String>,
    /// Number of results per page, at most 7500
    #[arg(long, default_value_t = 100, value_parser = limit)]
    pub(crate) limit: u32,
    /// Page number, starting at 1
    #[arg(long, default_value_t = 1, value_parser = page)]
    pub(crate) page: u32,
    /// List the results of all pages
    #[arg(long, conflicts_with_all = ["limit", "page"])]
    pub(crate) all: bool,
}

/// The format of the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    // Text for users
    Table,
    // One JSON document
    Json,
    // One JSON value per line
    Jsonl,
    // One YAML document
    Yaml,
    // Comma-separated values with a header
    Csv,
}

impl Format {
    /// Returns the name of the format in options and settings.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Json => "json",
            Self::Jsonl => "jsonl",
            Self::Yaml => "yaml",
            Self::Csv => "csv",
        }
    }

    /// Returns the format with this name in any case.
    pub(crate) fn of_name(name: &str) -> Option<Self> {
        let all = [Self::Table, Self::Json, Self::Jsonl, Self::Yaml, Self::Csv];
        all.into_iter()
            .find(|format| format.as_str().eq_ignore_ascii_case(name))
    }
}
