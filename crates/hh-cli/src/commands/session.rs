//! Implements `honeyhive session`.

use clap::Subcommand;
use hh_sdk::api::types::{ExportEvents, Filter};

use crate::args::List;
use crate::context::Context;
use crate::error::CliError;
use crate::lazy::LazyCommand;
use crate::output::{Column, Table, duration};
use crate::pages::read_page;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// List sessions, newest first
    List(LazyCommand<List>),
}

pub(super) fn run(context: &Context, command: &Command) -> Result<(), CliError> {
    let Command::List(LazyCommand(arguments)) = command;
    let client = context.client(arguments.project.as_deref())?;
    let query = ExportEvents {
        filters: vec![Filter::is("event_type", "session")],
        ..ExportEvents::default()
    };
    let progress = context.progress("sessions");
    let page = context.block_on(read_page(client, query, arguments, progress))?;
    context.print_page("sessions", arguments, &page, |screen| {
        let columns = [
            Column::id("SESSION"),
            Column::text("NAME"),
            Column::whole("STARTED").optional(1),
            Column::whole("DURATION").optional(2),
            Column::text("SOURCE").optional(3),
        ];
        let rows = page.events.iter().map(|event| {
            [
                event.session_id.to_string(),
                event.event_name.clone(),
                screen.millis(event.start_time),
                duration(event.duration),
                event.source.clone(),
            ]
        });
        Table::new(columns, rows).lines(screen)
    })
}
