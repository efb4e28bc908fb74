//! Implements `honeyhive auth keys create`.

use std::path::PathBuf;

use clap::{ArgGroup, Args, ValueEnum};
use hh_sdk::api::types::{CreateKey, ProjectNames};
use hh_sdk::auth::Level;

use super::expiry::expiry;
use super::refused;
use super::secret::{check_delivery, deliver};
use super::table::projects;
use crate::args;
use crate::context::Context;
use crate::error::CliError;

#[derive(Args)]
#[command(group = ArgGroup::new("scope").required(true).args(["projects", "all_projects"]))]
pub(crate) struct Create {
    /// Name of the key
    #[arg(long, value_parser = args::name)]
    name: String,
    /// Permission level of the key
    #[arg(long, value_name = "LEVEL")]
    level: LevelName,
    /// Project that the key can access (can be repeated)
    #[arg(long = "project", value_name = "NAME", value_parser = args::name)]
    projects: Vec<String>,
    /// Grant access to all projects, including future ones
    #[arg(long)]
    all_projects: bool,
    /// Lifetime of the key, e.g. 90d, 12h or 30m (never expires by default)
    #[arg(long, value_name = "DURATION", allow_hyphen_values = true)]
    expires_in: Option<String>,
    /// Owner of the key: an e-mail address or a service account name (defaults to the owner of the active key)
    #[arg(long, value_parser = args::name)]
    owner: Option<String>,
    /// Note about the key, on a single line
    #[arg(long, value_name = "TEXT", value_parser = args::name)]
    note: Option<String>,
    /// Write the key to a new file that only you can read, instead of printing it
    #[arg(long, value_name = "FILE", value_parser = args::path)]
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

pub(super) fn run(context: &Context, arguments: Create) -> Result<(), CliError> {
    let expires_at = arguments.expires_in.as_deref().map(expiry).transpose()?;
    check_delivery(context, arguments.key_file.as_deref())?;
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
    }));
    let created = created.map_err(|error| refused::explain_create(context, client, error))?;
    let key = &created.key;
    let line = format!(
        "Created key {} ({}, projects: {})",
        key.id,
        key.level.title(),
        projects(key)
    );
    deliver(context, &created, arguments.key_file.as_deref(), &line)
}
