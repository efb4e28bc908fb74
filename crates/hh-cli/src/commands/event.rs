//! Implements `honeyhive event`.

mod filters;
mod tree;

use clap::{Args, Subcommand, ValueEnum};
use hh_sdk::HoneyHive;
use hh_sdk::api::types::{Event, EventList, ExportEvents, Filter};
use uuid::Uuid;

use crate::args::List;
use crate::context::{Context, is_part_of_id};
use crate::error::CliError;
use crate::exit::Exit;
use crate::lazy::LazyCommand;
use crate::output::{Column, List as ResultList, Screen, Table, duration};
use crate::pages::{OPTIONAL_EVENT_FIELDS, read_all, read_page};
use crate::prefix;
use filters::Filters;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// List events, newest first
    List(LazyCommand<Events>),
}

#[derive(Args)]
pub(crate) struct Events {
    /// Only events of this session: its ID or the beginning, at least 8 characters
    #[arg(long, value_name = "ID", value_parser = session_id)]
    session_id: Option<String>,
    /// Only events of this type
    #[arg(long, value_name = "TYPE")]
    event_type: Option<TypeName>,
    /// Print events as a tree; with --session-id, print the whole session
    #[arg(long)]
    tree: bool,
    #[command(flatten)]
    filters: Filters,
    #[command(flatten)]
    list: List,
}

#[derive(Clone, Copy, ValueEnum)]
enum TypeName {
    Session,
    Chain,
    Model,
    Tool,
}

impl TypeName {
    fn as_str(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::Chain => "chain",
            Self::Model => "model",
            Self::Tool => "tool",
        }
    }
}

pub(super) fn run(context: &Context, command: &Command) -> Result<(), CliError> {
    let Command::List(LazyCommand(arguments)) = command;
    let list = &arguments.list;
    if arguments.tree {
        context.check_is_text("--tree").map_err(|error| {
            error.with_hint("add --output table, or omit --tree: the field parent_id of each event contains the tree")
        })?;
    }
    let client = context.client(list.project.as_deref())?;
    let session = match &arguments.session_id {
        Some(id) => Some(whole_id(context, client, id)?),
        None => None,
    };
    let kind = arguments.event_type.map(TypeName::as_str);
    let mut filters = arguments.filters.filters();
    filters.extend(
        [("session_id", session.as_deref()), ("event_type", kind)]
            .into_iter()
            .filter_map(|(field, value)| Some(Filter::is(field, value?))),
    );
    let query = ExportEvents {
        filters,
        date_range: arguments.filters.date_range(),
        ..ExportEvents::default()
    };
    if arguments.tree && session.is_some() {
        // A tree needs all events of the session.
        let progress = context.progress("events");
        let events = context.block_on(read_all(client, query, list.limit, progress))?;
        let total = events.len() as u64;
        check_session(context, client, session.as_deref(), kind, total)?;
        let result = ResultList::complete(&events).with_optional(&OPTIONAL_EVENT_FIELDS);
        context
            .printer()
            .list(&result, |screen| tree::render(&events, screen.width()))?;
        let page = EventList {
            total_events: total,
            ..EventList::default()
        };
        context.print_pagination("events", list, total, &page);
        return Ok(());
    }
    let page = context.block_on(read_page(client, query, list, context.progress("events")))?;
    check_session(context, client, session.as_deref(), kind, page.total_events)?;
    context.print_page("events", list, &page, |screen| {
        if arguments.tree {
            tree::render(&page.events, screen.width())
        } else {
            table(&page.events, screen)
        }
    })
}

/// Checks the id of a session or its beginning.
fn session_id(text: &str) -> Result<String, String> {
    if is_part_of_id(text) {
        return Ok(text.to_ascii_lowercase());
    }
    Err("expected an id of a session, or at least the first 8 characters".to_owned())
}

/// Returns the whole id of the session whose id begins with `part`.
fn whole_id(context: &Context, client: &HoneyHive, part: &str) -> Result<String, CliError> {
    if let Ok(id) = part.parse::<Uuid>() {
        return Ok(id.to_string());
    }
    let found = context.block_on(client.find_sessions(part))?.sessions;
    let ids: Vec<_> = found
        .iter()
        .map(|session| session.session_id.to_string())
        .collect();
    let ids: Vec<_> = ids.iter().map(String::as_str).collect();
    let id = prefix::the_only("session", part, &ids)?;
    id.map(str::to_owned)
        .ok_or_else(|| not_found(format!("no session has an id that begins with {part}")))
}

/// Returns an error if there are no events because the session does not exist. A session that exists can have no event
/// of the requested type.
fn check_session(
    context: &Context,
    client: &HoneyHive,
    session: Option<&str>,
    kind: Option<&str>,
    total: u64,
) -> Result<(), CliError> {
    let Some(id) = session.filter(|_| total == 0 && !client.settings().test_mode.value) else {
        return Ok(());
    };
    // A server that cannot search for sessions does not prove that the session is missing.
    let exists = kind.is_some()
        && !matches!(context.block_on(client.find_sessions(id)), Ok(found) if found.sessions.is_empty());
    if exists {
        return Ok(());
    }
    Err(not_found(format!("session {id} was not found")))
}

fn not_found(message: String) -> CliError {
    CliError::new(Exit::Network, message).with_hint(
        "run `honeyhive session list` to list sessions, or select another project with --project",
    )
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
