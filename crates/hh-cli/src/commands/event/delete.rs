//! Implements `honeyhive event delete`.

use clap::{ArgGroup, Args};
use hh_sdk::HoneyHive;
use uuid::Uuid;

use super::members::event_id;
use crate::args;
use crate::context::Context;
use crate::deletion::{self, Options, Target};
use crate::error::CliError;
use crate::lazy::with_examples;
use crate::projects;

#[derive(Args)]
#[command(
    group = ArgGroup::new("target").required(true).args(["id", "user_property"]),
    after_help = with_examples(&[
        "honeyhive event delete 7d1c3f60-52a8-4be0-9a3d-1f0f6f2f3c11",
        "honeyhive event delete --user-property user_id=user-42 --project docs --dry-run",
        "honeyhive event delete --user-property user_id=user-42 --project docs --yes",
    ])
)]
pub(crate) struct Delete {
    /// Event ID, as printed by `honeyhive event list` (child events are kept)
    #[arg(value_parser = event_id)]
    id: Option<Uuid>,
    /// Delete the data of a user: all events of the project with this user property, and whole sessions with it
    #[arg(long, value_name = "NAME=VALUE", value_parser = property)]
    user_property: Option<(String, String)>,
    /// Project name (defaults to the only project of the key, or `default`; required for --user-property)
    #[arg(long, value_name = "NAME", value_parser = args::name)]
    project: Option<String>,
    #[command(flatten)]
    options: Options,
}

pub(super) fn run(context: &Context, arguments: Delete) -> Result<(), CliError> {
    arguments.options.check()?;
    let client = context.client(arguments.project.as_deref())?;
    let target = match (arguments.id, arguments.user_property) {
        (Some(event_id), _) => Target::Event { event_id },
        (None, Some(property)) => user_data(context, client, property)?,
        (None, None) => return Err(CliError::usage("expected an event ID or --user-property")),
    };
    deletion::run(context, client, &target, &arguments.options)
}

/// Returns the data of a user in the project of the client. The project must be named, because the project of the server
/// can change.
fn user_data(
    context: &Context,
    client: &HoneyHive,
    (user_property, value): (String, String),
) -> Result<Target, CliError> {
    let Some(project) = &client.settings().project else {
        return Err(CliError::usage("--user-property requires a project").with_hint(
            "add --project NAME, or run `honeyhive config set project NAME` to select a project",
        ));
    };
    let project = projects::find(context, client, &project.value)?;
    Ok(Target::UserData {
        project_id: project.id,
        project: project.name,
        user_property,
        value,
    })
}

/// Parses `NAME=VALUE`. The value is a text, which also equals the number that it denotes, because a number would
/// also equal other texts, such as `42.0`.
fn property(text: &str) -> Result<(String, String), String> {
    match args::name(text)?.split_once('=') {
        Some((name, value)) if !name.is_empty() && !value.is_empty() => {
            Ok((name.to_owned(), value.to_owned()))
        }
        _ => Err("expected NAME=VALUE".to_owned()),
    }
}
