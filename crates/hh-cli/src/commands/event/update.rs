//! Implements `honeyhive event update`.

use clap::{ArgGroup, Args};
use hh_sdk::api::types::{EventPatch, Object};
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use super::members::{Members, event_id, member, object};
use crate::args;
use crate::context::Context;
use crate::error::CliError;
use crate::lazy::with_examples;

#[derive(Args)]
#[command(
    group = ArgGroup::new("change").required(true).multiple(true)
        .args(["outputs", "metadata", "metrics", "feedback", "user_properties"]),
    after_help = with_examples(&[
        "honeyhive event update 7d1c3f60-52a8-4be0-9a3d-1f0f6f2f3c11 --feedback rating=5",
        "honeyhive event update 7d1c3f60-52a8-4be0-9a3d-1f0f6f2f3c11 --metrics accuracy=0.9",
    ])
)]
pub(crate) struct Update {
    /// Event ID, or the whole ID of a session
    #[arg(value_parser = event_id)]
    id: Uuid,
    /// Member of the new outputs, which replace all outputs (can be repeated)
    #[arg(long, value_name = "NAME=VALUE", value_parser = member)]
    outputs: Vec<(String, Value)>,
    #[command(flatten)]
    members: Members,
    /// Project name (defaults to the only project of the key, or `default`)
    #[arg(long, value_name = "NAME", value_parser = args::name)]
    project: Option<String>,
}

/// The result of the command.
#[derive(Serialize)]
struct Updated {
    event_id: Uuid,
}

pub(super) fn run(context: &Context, arguments: Update) -> Result<(), CliError> {
    let outputs = object("--outputs", arguments.outputs)?;
    let [metadata, metrics, feedback, user_properties] = arguments.members.into_objects()?;
    let client = context.client(arguments.project.as_deref())?;
    let present = |members: Object| Some(members).filter(|members| !members.is_empty());
    let patch = EventPatch {
        event_id: arguments.id,
        outputs: present(outputs),
        metadata: present(metadata),
        metrics: present(metrics),
        feedback: present(feedback),
        user_properties: present(user_properties),
        ..EventPatch::default()
    };
    context.block_on(client.events().update(patch))?;
    let event_id = arguments.id;
    context.success(&format!("Updated event {event_id}"));
    context.printer().data(&Updated { event_id })
}
