//! Parses the command line. clap does not read environment variables: they are resolved together with all other sources
//! of settings.

mod suggest;

use std::env;

use clap::error::ErrorKind;
use clap::{Args as _, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use hh_text::Diagnostic;

use crate::args::Global;
#[cfg(feature = "server")]
use crate::commands::server;
use crate::commands::{api, auth, completion, config, doctor, event, project, session, version};
use crate::error::CliError;
use crate::lazy::{self, LazyCommand, LazyGroup};

/// Observability and evaluation for LLM applications
#[derive(Parser)]
#[command(
    name = "honeyhive",
    version,
    max_term_width = 100,
    arg_required_else_help = true
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

/// Returns the command `honeyhive`. Call [`clap::Command::build`] on it to add the arguments of its subcommands.
pub fn command() -> clap::Command {
    Global::augment_args(Cli::command())
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
    let words: Vec<_> = env::args_os().collect();
    if let Some(mut matches) = lazy::parse_without_options::<Cli>(&words) {
        let command = Command::from_arg_matches_mut(&mut matches)?;
        return Ok((Global::default(), command));
    }
    let mut matches = lazy::parse(command(), &words)?;
    let mut global = Global::read(&matches);
    let mut at = &matches;
    while let Some((_, below)) = at.subcommand() {
        global = Global::read(below).merge_over(global);
        at = below;
    }
    Ok((global, Command::from_arg_matches_mut(&mut matches)?))
}

/// An invalid command line.
pub(crate) struct UsageError {
    /// The text of clap.
    rendered: String,
    hint: Option<String>,
    diagnostic: Diagnostic,
}

impl UsageError {
    /// Describes an error of clap, with a hint if a similar command or option exists.
    pub(crate) fn of(error: &clap::Error) -> Self {
        let text = error.render().to_string();
        let arguments = env::args_os().skip(1);
        let arguments: Vec<_> = arguments
            .map(|word| word.to_string_lossy().into_owned())
            .collect();
        let mut command = command();
        command.build();
        let hint = suggest::hint(error, &command, &arguments);
        let is_incomplete = matches!(
            error.kind(),
            ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand | ErrorKind::MissingSubcommand
        );
        let message = if is_incomplete {
            "a command is required".to_owned()
        } else {
            message(&text)
        };
        let help = || format!("run `{} --help`", suggest::path(&command, &arguments));
        let diagnostic = Diagnostic::new(message).with_hint(hint.clone().unwrap_or_else(help));
        Self {
            rendered: text,
            hint,
            diagnostic,
        }
    }

    /// Returns the error as text of several lines.
    pub(crate) fn text(&self) -> String {
        match &self.hint {
            Some(hint) => replace_help(&self.rendered, hint),
            None => self.rendered.clone(),
        }
    }
}

impl From<UsageError> for CliError {
    fn from(error: UsageError) -> Self {
        Self::usage(error.diagnostic)
    }
}

/// Returns the first paragraph of the text of an error as one line.
fn message(text: &str) -> String {
    let (first, _) = text.split_once("\n\n").unwrap_or((text, ""));
    let first = first.trim_start_matches("error: ");
    match first.split_once('\n') {
        Some((message, details)) => {
            let details: Vec<_> = details.lines().map(str::trim).collect();
            format!("{message} {}", details.join(", "))
        }
        None => first.to_owned(),
    }
}

/// Adds a hint to the text of an error. It replaces the last paragraph, which only names `--help`.
fn replace_help(text: &str, hint: &str) -> String {
    let (message, rest) = text.split_once("\n\n").unwrap_or((text, ""));
    let rest = format!("\n{rest}");
    let (usage, _) = rest.trim_end().rsplit_once("\n\n").unwrap_or_default();
    let usage = usage.rsplit_once("\n\n").map_or(usage, |(_, usage)| usage);
    [
        message,
        "\n  hint: ",
        hint,
        "\n\n",
        usage.trim_start(),
        "\n",
    ]
    .concat()
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Log in and out, and manage API keys
    Auth(LazyGroup<auth::Command>),
    /// List, create and delete projects
    #[command(visible_alias = "projects")]
    Project(LazyGroup<project::Command>),
    /// List, show and delete sessions
    #[command(visible_alias = "sessions")]
    Session(LazyGroup<session::Command>),
    /// List, show, create, update, delete and export events
    #[command(visible_alias = "events")]
    Event(LazyGroup<event::Command>),
    /// View and change settings
    Config(LazyGroup<config::Command>),
    /// Send an authenticated request to the API
    Api(LazyCommand<api::Arguments>),
    /// Diagnose configuration, network and authentication problems
    Doctor(LazyCommand<doctor::Arguments>),
    /// Generate shell completions
    Completion(LazyGroup<completion::Command>),
    /// Run a local server
    #[cfg(feature = "server")]
    Server(LazyGroup<server::Command>),
    /// Print the version
    #[command(hide = true)]
    Version(LazyCommand<version::Arguments>),
    /// Verify an API key and save it in a profile, the same as `auth login`
    #[command(hide = true)]
    Login(LazyCommand<auth::LoginArguments>),
    /// Remove the saved key, the same as `auth logout`
    #[command(hide = true)]
    Logout(LazyCommand<auth::LogoutArguments>),
    /// Show the owner and the permissions of the active key, the same as `auth whoami`
    #[command(hide = true)]
    Whoami(LazyCommand<()>),
    /// Show where API keys are configured, the same as `auth status`
    #[command(hide = true)]
    Status(LazyCommand<auth::StatusArguments>),
}
