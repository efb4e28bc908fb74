//! Implements `honeyhive event list`.

use clap::Args;
use hh_sdk::HoneyHive;
use hh_sdk::api::types::{Event, EventList};

use super::filters::Filters;
use super::tree::{self, Shown};
use crate::args::List;
use crate::context::Context;
use crate::error::CliError;
use crate::lazy::with_examples;
use crate::output::{Column, List as ResultList, Screen, Table, duration};
use crate::pages::{OPTIONAL_EVENT_FIELDS, read_all, read_list};
use crate::sessions::{not_found, whole_id};

#[derive(Args)]
#[command(after_help = with_examples(&[
        "honeyhive event list --since 2h --error",
        "honeyhive event search --event-type model --where 'metadata.cost > 0.1' --all",
        "honeyhive event list --session-id 3f2a91bc --tree --show inputs,outputs",
    ]))]
pub(crate) struct Events {
    /// Print events as a tree; with --session-id, print the whole session
    #[arg(long)]
    tree: bool,
    /// Members of events to print in the tree, separated by commas: inputs, outputs
    #[arg(
        long,
        value_name = "MEMBERS",
        value_delimiter = ',',
        requires = "tree",
        hide_possible_values = true
    )]
    show: Vec<Shown>,
    #[command(flatten)]
    filters: Filters,
    #[command(flatten)]
    list: List,
}

pub(super) fn run(context: &Context, arguments: &Events) -> Result<(), CliError> {
    let list = &arguments.list;
    if arguments.tree {
        context.check_is_text("--tree").map_err(|error| {
            error.with_hint("add --output table, or omit --tree: the field parent_id of each event contains the tree")
        })?;
    }
    let client = context.client(list.project.as_deref())?;
    let session = match arguments.filters.session() {
        Some(id) => Some(whole_id(context, client, id)?),
        None => None,
    };
    let has_type = arguments.filters.has_type();
    let selection = arguments.filters.selection(session.as_deref());
    let show = &arguments.show;
    let mut progress = context.progress("events");
    if arguments.tree && session.is_some() {
        // A tree needs all events of the session.
        let events = context.block_on(read_all(client, selection, &mut progress))?;
        drop(progress);
        let total = events.len() as u64;
        check_session(context, client, session.as_deref(), has_type, total)?;
        let result = ResultList::complete(&events).with_optional(&OPTIONAL_EVENT_FIELDS);
        context.printer().list(&result, |screen| {
            tree::render(&events, show, screen.width())
        })?;
        let page = EventList {
            total_events: total,
            ..EventList::default()
        };
        context.print_pagination("events", list, total, &page);
        return Ok(());
    }
    let page = context.block_on(read_list(client, selection, list, progress))?;
    check_session(
        context,
        client,
        session.as_deref(),
        has_type,
        page.total_events,
    )?;
    context.print_page("events", list, &page, |screen| {
        if arguments.tree {
            tree::render(&page.events, show, screen.width())
        } else {
            table(&page.events, screen)
        }
    })?;
    if page.total_events == 0 && arguments.filters.has_asterisk() {
        context.note(
            "note: * is not a wildcard; use --where 'FIELD contains TEXT' to find a part of a text",
        );
    }
    Ok(())
}

/// Returns an error if there are no events because the session does not exist. A session that exists can have no event
/// of the requested type.
fn check_session(
    context: &Context,
    client: &HoneyHive,
    session: Option<&str>,
    has_type: bool,
    total: u64,
) -> Result<(), CliError> {
    let Some(id) = session.filter(|_| total == 0 && !client.settings().test_mode.value) else {
        return Ok(());
    };
    // A server that cannot search for sessions does not prove that the session is missing.
    let exists = has_type
        && !matches!(context.block_on(client.find_sessions(id)), Ok(found) if found.sessions.is_empty());
    if exists {
        return Ok(());
    }
    Err(not_found(format!("session {id} was not found")))
}

fn table(events: &[Event], screen: &Screen) -> Vec<String> {
    let columns = [
        Column::whole("STARTED").optional(1),
        Column::whole("TYPE").optional(3),
        Column::text("NAME"),
        Column::whole("DURATION").optional(2),
        Column::id("SESSION").optional(4),
        // A truncated id is useless, and the time matters more to a reader.
        Column::whole("EVENT").optional(5),
    ];
    let rows = events.iter().map(|event| {
        [
            screen.millis(event.start_time),
            event.event_type.as_str().to_owned(),
            event.event_name.clone(),
            duration(event.duration),
            event.session_id.to_string(),
            event.event_id.to_string(),
        ]
    });
    Table::new(columns, rows).lines(screen)
}
