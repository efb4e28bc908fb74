//! Implements `honeyhive session`.

mod delete;
mod get;
mod summary;

use clap::Subcommand;

use crate::args::List;
use crate::context::Context;
use crate::error::CliError;
use crate::lazy::LazyCommand;
use crate::output::{Column, Table, duration};
use crate::pages::{Selection, read_list};

#[derive(Subcommand)]
pub(crate) enum Command {
    /// List sessions, newest first
    List(LazyCommand<List>),
    /// Show a session, with the number of its events, errors and tokens
    Get(LazyCommand<get::Get>),
    /// Delete a session with all its events
    Delete(LazyCommand<delete::Delete>),
}

pub(super) fn run(context: &Context, command: Command) -> Result<(), CliError> {
    match command {
        Command::List(LazyCommand(arguments)) => list(context, &arguments),
        Command::Get(LazyCommand(arguments)) => get::run(context, &arguments),
        Command::Delete(LazyCommand(arguments)) => delete::run(context, &arguments),
    }
}

fn list(context: &Context, arguments: &List) -> Result<(), CliError> {
    let client = context.client(arguments.project.as_deref())?;
    let selection = Selection::of("event_type", "session");
    let progress = context.progress("sessions");
    let page = context.block_on(read_list(client, selection, arguments, progress))?;
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
