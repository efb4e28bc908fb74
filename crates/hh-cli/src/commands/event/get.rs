//! Implements `honeyhive event get`.

use clap::Args;
use hh_sdk::ErrorKind;
use uuid::Uuid;

use super::details;
use super::members::event_id;
use crate::args;
use crate::context::Context;
use crate::error::CliError;
use crate::lazy::with_examples;

#[derive(Args)]
#[command(after_help = with_examples(&[
        "honeyhive event get 7d1c3f60-52a8-4be0-9a3d-1f0f6f2f3c11",
        "honeyhive event get 7d1c3f60-52a8-4be0-9a3d-1f0f6f2f3c11 --jq .outputs",
    ]))]
pub(crate) struct Get {
    /// Event ID, as printed by `honeyhive event list`
    #[arg(value_parser = event_id)]
    id: Uuid,
    /// Project name (defaults to the only project of the key, or `default`)
    #[arg(long, value_name = "NAME", value_parser = args::name)]
    project: Option<String>,
}

pub(super) fn run(context: &Context, arguments: &Get) -> Result<(), CliError> {
    let client = context.client(arguments.project.as_deref())?;
    let event = context.run(async {
        let event = client.events().get(arguments.id).await;
        event.map_err(|error| {
            let is_missing = error.kind() == ErrorKind::NotFound;
            let error = context.explain(error);
            if is_missing && error.hint().is_none() {
                error.with_hint("run `honeyhive event list` to list events, or select another project with --project")
            } else {
                error
            }
        })
    })?;
    context
        .printer()
        .object(&event, |screen| details::lines(&event, screen))
}
