//! `honeyhive session`

use clap::Subcommand;
use hh_sdk::api::types::{ExportEvents, Filter};

use crate::args::List;
use crate::context::Context;
use crate::error::CliError;
use crate::lazy::LazyCommand;
use crate::output;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// List sessions, the latest first
    List(LazyCommand<List>),
}

pub(super) fn run(context: &Context, command: &Command) -> Result<(), CliError> {
    let Command::List(LazyCommand(arguments)) = command;
    let client = context.client(arguments.project.as_deref())?;
    let page = context.block_on(client.export_events(ExportEvents {
        filters: vec![Filter::is("event_type", "session")],
        limit: Some(arguments.limit),
        page: Some(arguments.page),
        ..ExportEvents::default()
    }))?;
    context.warn_truncated("sessions", &page);
    if context.is_json() {
        return output::json(&page.events);
    }
    let rows = page.events.iter().map(|event| {
        [
            event.session_id.to_string(),
            event.event_name.clone(),
            output::time(event.start_time),
            output::duration(event.duration),
            event.source.clone(),
        ]
    });
    output::table(["SESSION", "NAME", "STARTED", "DURATION", "SOURCE"], rows)?;
    context.print_pagination("sessions", arguments, page.events.len(), page.total_events);
    Ok(())
}
