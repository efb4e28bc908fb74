//! Deletes data of a server: counts it, asks for confirmation, and prints what was deleted.

use clap::Args;
use hh_sdk::api::types::{DeleteProject, DeleteUserData, DeletedData};
use hh_sdk::{ErrorKind, HoneyHive};
use serde::Serialize;
use uuid::Uuid;

use crate::confirm;
use crate::context::Context;
use crate::error::CliError;
use crate::sessions;

// The options of the commands that delete data. A doc comment would become the description of the command.
#[derive(Args)]
pub(crate) struct Options {
    /// Print what would be deleted, and delete nothing
    #[arg(long)]
    dry_run: bool,
    /// Delete without confirmation
    #[arg(long, short)]
    yes: bool,
}

impl Options {
    /// Returns an error if the command must ask for confirmation and there is no terminal. Commands check this before
    /// they send a request.
    pub(crate) fn check(&self) -> Result<(), CliError> {
        if self.dry_run || self.yes || confirm::is_possible() {
            return Ok(());
        }
        Err(
            CliError::usage("cannot ask for confirmation without a terminal").with_hint(
                "add --yes to delete without confirmation, or --dry-run to print what would be deleted",
            ),
        )
    }
}

/// What to delete. It is a part of the data that the command prints.
#[derive(Serialize)]
#[serde(untagged)]
pub(crate) enum Target {
    Event {
        event_id: Uuid,
    },
    Session {
        session_id: String,
    },
    UserData {
        project_id: String,
        project: String,
        user_property: String,
        value: String,
    },
    Project {
        project_id: String,
        project: String,
    },
}

/// The result of a command.
#[derive(Serialize)]
struct Report<'a> {
    #[serde(flatten)]
    target: &'a Target,
    #[serde(flatten)]
    data: &'a DeletedData,
}

/// Deletes data after a confirmation, or prints what would be deleted.
pub(crate) fn run(
    context: &Context,
    client: &HoneyHive,
    target: &Target,
    options: &Options,
) -> Result<(), CliError> {
    let send = |dry_run| {
        context.run(async {
            let sent = target.send(client, dry_run).await;
            sent.map_err(|error| target.explain(context, error))
        })
    };
    if options.dry_run {
        let data = send(true)?;
        let report = Report {
            target,
            data: &data,
        };
        return context.printer().object(&report, |_| {
            vec![format!("Would delete {}", target.describe(&data))]
        });
    }
    if !options.yes {
        target.confirm(context, &send(true)?)?;
    }
    let data = send(false)?;
    context.success(&format!("Deleted {}", target.describe(&data)));
    if !data.complete {
        context.note(
            "note: not everything is deleted yet; the server continues the deletion in the background",
        );
    }
    context.printer().data(&Report {
        target,
        data: &data,
    })
}

impl Target {
    async fn send(&self, client: &HoneyHive, dry_run: bool) -> Result<DeletedData, hh_sdk::Error> {
        match self {
            Self::Event { event_id } if dry_run => client.events().preview_delete(*event_id).await,
            Self::Event { event_id } => client.events().delete(*event_id).await,
            Self::Session { session_id } if dry_run => {
                client.sessions().preview_delete(session_id).await
            }
            Self::Session { session_id } => client.sessions().delete(session_id).await,
            Self::UserData {
                project_id,
                user_property,
                value,
                ..
            } => {
                let input = DeleteUserData {
                    project_id: project_id.clone(),
                    user_property: user_property.clone(),
                    value: value.as_str().into(),
                    dry_run,
                };
                client.delete_user_data(&input).await
            }
            Self::Project { project_id, .. } => {
                let input = DeleteProject {
                    project_id: project_id.clone(),
                    dry_run,
                };
                client.delete_project(&input).await
            }
        }
    }

    /// Asks for confirmation. `data` is what would be deleted.
    fn confirm(&self, context: &Context, data: &DeletedData) -> Result<(), CliError> {
        let question = format!("Delete {}? This cannot be undone.", self.describe(data));
        match self {
            Self::Project { project, .. } => {
                let question = format!("{question} Type {project} to confirm:");
                confirm::typed(context, &question, project)
            }
            Self::Event { .. } | Self::Session { .. } | Self::UserData { .. } => {
                confirm::yes(context, &question)
            }
        }
    }

    /// Describes the target with the numbers of its sessions and events, unless the server does not report them.
    fn describe(&self, data: &DeletedData) -> String {
        let sessions = counted(data.sessions, "session");
        let events = counted(data.events, "event");
        let is_reported = data.dry_run || data.sessions + data.events > 0;
        match self {
            Self::Event { event_id } => format!("event {event_id}"),
            Self::Session { session_id } if is_reported => {
                format!("session {session_id} with {events}")
            }
            Self::Session { session_id } => format!("session {session_id}"),
            Self::UserData {
                project,
                user_property,
                value,
                ..
            } => format!(
                "{sessions} and {events} of project {project} with user property {user_property}={value}"
            ),
            Self::Project { project, .. } if is_reported => {
                format!("project {project} with {sessions} and {events}")
            }
            Self::Project { project, .. } => format!("project {project}"),
        }
    }

    /// Converts the error of a request.
    fn explain(&self, context: &Context, error: hh_sdk::Error) -> CliError {
        // The server does not support dry runs, and confirmations contain the numbers of a dry run.
        let has_no_dry_runs = error.kind() == ErrorKind::Invalid && error.status().is_none();
        let is_missing = error.kind() == ErrorKind::NotFound;
        let is_conflict = error.kind() == ErrorKind::Conflict;
        let error = context.explain(error);
        if is_conflict && matches!(self, Self::Project { .. }) {
            return error.with_hint(
                "run `honeyhive auth keys show ID` to see what a key is for, and `honeyhive auth keys revoke ID` to revoke it",
            );
        }
        if has_no_dry_runs {
            return error
                .with_hint("use --yes to delete without a dry run and without confirmation");
        }
        if !is_missing {
            return error;
        }
        match self {
            Self::Event { .. } if error.hint().is_some() => error,
            Self::Event { event_id } => error.with_hint(format!(
                "run `honeyhive event list` to list events, select another project with --project, or run `honeyhive session delete {event_id}` to delete the session with this id"
            )),
            Self::Session { session_id } => {
                sessions::not_found(format!("session {session_id} was not found"))
            }
            // The project existed when its id was read.
            Self::UserData { .. } | Self::Project { .. } => error
                .with_hint("the server may not support this operation, or the project was deleted"),
        }
    }
}

/// Returns a number with its noun.
fn counted(count: u64, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}
