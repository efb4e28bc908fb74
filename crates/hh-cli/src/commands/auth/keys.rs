//! Implements `honeyhive auth keys`.

use std::path::{Path, PathBuf};

use clap::{ArgGroup, Args, Subcommand, ValueEnum};
use hh_sdk::HoneyHive;
use hh_sdk::api::types::{CreateKey, CreatedKey, Key, KeyState, ProjectNames};
use hh_sdk::auth::Level;
use hh_sdk::auth::private_file::{Replace, write_private};
use jiff::{Span, Timestamp, tz::TimeZone};
use secrecy::ExposeSecret as _;
use zeroize::Zeroizing;

use crate::context::Context;
use crate::error::CliError;
use crate::exit::Exit;
use crate::lazy::LazyCommand;
use crate::output::{Column, List as ResultList, Table};
use crate::ui;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Create an API key (the secret is printed only once)
    Create(LazyCommand<Create>),
    /// List API keys, without their secrets
    List(LazyCommand<List>),
    /// Revoke an API key (takes effect immediately)
    Revoke(LazyCommand<Revoke>),
}

#[derive(Args)]
#[command(group = ArgGroup::new("scope").required(true).args(["projects", "all_projects"]))]
pub(crate) struct Create {
    /// Name of the key
    #[arg(long)]
    name: String,
    /// Permission level of the key
    #[arg(long, value_name = "LEVEL")]
    level: LevelName,
    /// Project that the key can access (can be repeated)
    #[arg(long = "project", value_name = "NAME")]
    projects: Vec<String>,
    /// Grant access to all projects, including future ones
    #[arg(long)]
    all_projects: bool,
    /// Lifetime of the key, e.g. 90d, 12h or 30m (never expires by default)
    #[arg(long, value_name = "DURATION", allow_hyphen_values = true)]
    expires_in: Option<String>,
    /// Owner of the key: an e-mail address or a service account name (defaults to the owner of the active key)
    #[arg(long)]
    owner: Option<String>,
    /// Note about the key, on a single line
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
    /// Write the key to a new file that only you can read, instead of printing it
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
#[value(rename_all = "snake_case")]
enum LevelName {
    /// Send telemetry
    IngestOnly,
    /// View projects, sessions and events
    ReadOnly,
    /// View, create and change data
    ReadWrite,
    /// Full access, including projects and keys
    Admin,
}

impl From<LevelName> for Level {
    fn from(name: LevelName) -> Self {
        match name {
            LevelName::IngestOnly => Self::IngestOnly,
            LevelName::ReadOnly => Self::ReadOnly,
            LevelName::ReadWrite => Self::ReadWrite,
            LevelName::Admin => Self::Admin,
        }
    }
}

#[derive(Args)]
pub(crate) struct List {
    /// Include revoked, expired and replaced keys
    #[arg(long)]
    all: bool,
}

#[derive(Args)]
pub(crate) struct Revoke {
    /// Key ID, as printed by `honeyhive auth keys list`
    id: String,
}

pub(super) fn run(context: &Context, command: Command) -> Result<(), CliError> {
    match command {
        Command::Create(LazyCommand(arguments)) => create(context, arguments),
        Command::List(LazyCommand(arguments)) => list(context, &arguments),
        Command::Revoke(LazyCommand(arguments)) => revoke(context, &arguments.id),
    }
}

fn create(context: &Context, arguments: Create) -> Result<(), CliError> {
    let expires_at = arguments.expires_in.as_deref().map(expiry).transpose()?;
    if let Some(path) = &arguments.key_file {
        check_new(path)?;
    }
    let client = context.client(None)?;
    let created = context.block_on(client.create_key(&CreateKey {
        name: arguments.name,
        level: arguments.level.into(),
        projects: if arguments.all_projects {
            ProjectNames::All
        } else {
            ProjectNames::Only(arguments.projects)
        },
        expires_at,
        owner: arguments.owner,
        note: arguments.note,
    }))?;
    let key = &created.key;
    let created_line = format!(
        "Created key {} ({}, projects: {})",
        key.id,
        key.level.title(),
        projects(key)
    );
    if let Some(path) = &arguments.key_file {
        write(path, &created).map_err(|error| revoke_lost_key(context, client, key, error))?;
        context.success(&format!(
            "{created_line} and wrote it to {}",
            path.display()
        ));
        return context.printer().data(key);
    }
    context.success(&format!("{created_line}; the secret is printed only once:"));
    let printed = context
        .printer()
        .object(&created, |_| secret_lines(&created));
    printed.map_err(|error| revoke_lost_key(context, client, key, error))
}

/// Revokes a key whose secret could not be printed or written, and returns the error.
fn revoke_lost_key(context: &Context, client: &HoneyHive, key: &Key, error: CliError) -> CliError {
    let id = &key.id;
    let line = match context.block_on(client.revoke_key(id)) {
        Ok(_) => format!("Revoked key {id} because its secret could not be delivered"),
        Err(_) => {
            format!("warning: key {id} could not be revoked; run `honeyhive auth keys revoke {id}`")
        }
    };
    // The line is separate from the error, because a closed pipe has no error message. It is printed even with
    // `--quiet`, because the key may still be active.
    ui::print_line(&line);
    error
}

#[expect(
    clippy::disallowed_methods,
    reason = "a new key is printed once, to its creator"
)]
fn secret_lines(created: &CreatedKey) -> Vec<String> {
    vec![created.secret.expose_secret().to_owned()]
}

#[expect(
    clippy::disallowed_methods,
    reason = "--key-file writes the key to a file of the user's choice with mode 0600"
)]
fn write(path: &Path, created: &CreatedKey) -> Result<(), CliError> {
    let line = Zeroizing::new(format!("{}\n", created.secret.expose_secret()));
    write_private(path, line.as_bytes(), Replace::No).map_err(|error| refused(path, &error.kind()))
}

/// Checks the path before a key is created, because its secret cannot be retrieved later.
fn check_new(path: &Path) -> Result<(), CliError> {
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty());
    if path.symlink_metadata().is_ok() {
        return Err(refused(path, &"the file already exists"));
    }
    if dir.is_some_and(|dir| !dir.is_dir()) {
        return Err(refused(path, &"the directory does not exist"));
    }
    Ok(())
}

/// Returns the error for a key file that cannot be created.
fn refused(path: &Path, why: &dyn std::fmt::Display) -> CliError {
    let message = format!("cannot write the key to {}: {why}", path.display());
    CliError::new(Exit::Config, message).with_hint("specify a new file in an existing directory")
}

/// Parses a duration and returns the time that it ends, counted from now.
fn expiry(text: &str) -> Result<Timestamp, CliError> {
    let span: Option<Span> = text.parse().ok();
    span.filter(Span::is_positive)
        .and_then(|span| {
            let now = Timestamp::now().to_zoned_datetime(TimeZone::UTC);
            Some(now.checked_add(span).ok()?.timestamp())
        })
        .ok_or_else(|| {
            CliError::usage(
                "invalid value for --expires-in: expected a duration such as 90d, 12h or 30m",
            )
        })
}

fn list(context: &Context, arguments: &List) -> Result<(), CliError> {
    let client = context.client(None)?;
    let keys = context.block_on(async {
        if arguments.all {
            client.list_all_keys().await
        } else {
            client.list_keys().await
        }
    })?;
    let result = ResultList::complete(&keys);
    context.printer().list(&result, |screen| {
        let columns = [
            Column::id("ID"),
            Column::text("NAME"),
            Column::whole("KEY").optional(3),
            Column::whole("LEVEL"),
            Column::text("PROJECTS").optional(4),
            Column::text("OWNER").optional(5),
            Column::whole("EXPIRES").optional(2),
            Column::whole("STATE").optional(1),
        ];
        let rows = keys.iter().map(|key| {
            [
                key.id.clone(),
                key.name.clone(),
                key.shown.clone(),
                key.level.title().to_owned(),
                projects(key),
                key.owner.name.clone(),
                screen.time_or(key.expires_at, "never"),
                state(key.state).to_owned(),
            ]
        });
        Table::new(columns, rows).lines(screen)
    })
}

fn revoke(context: &Context, id: &str) -> Result<(), CliError> {
    let client = context.client(None)?;
    let key = context.block_on(client.revoke_key(id))?;
    context.success(&format!("Revoked key {} ({})", key.id, key.name));
    context.printer().data(&key)
}

fn projects(key: &Key) -> String {
    match &key.projects {
        ProjectNames::All => "all".to_owned(),
        ProjectNames::Only(names) => names.join(", "),
    }
}

fn state(state: KeyState) -> &'static str {
    match state {
        KeyState::Active => "active",
        KeyState::Expired => "expired",
        KeyState::Revoked => "revoked",
        KeyState::Replaced => "replaced",
        _ => "unknown",
    }
}
