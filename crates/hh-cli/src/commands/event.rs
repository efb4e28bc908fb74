//! Implements `honeyhive event`.

mod filters;
mod tree;

use clap::{Args, Subcommand, ValueEnum};
use hh_sdk::api::types::{Event, ExportEvents, Filter};
use hh_sdk::{ErrorKind, HoneyHive};
use uuid::Uuid;

use crate::args::List;
use crate::context::{Context, is_part_of_id};
use crate::error::CliError;
use crate::exit::Exit;
use crate::lazy::LazyCommand;
use crate::output::{Column, List as ResultList, Progress, Screen, Table, duration};
use crate::pages::OPTIONAL_EVENT_FIELDS;
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
        limit: Some(list.limit),
        page: Some(list.page),
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
        context.print_pagination("events", list, total, total);
        return Ok(());
    }
    let page = context.block_on(client.export_events(query))?;
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

/// Reads all results of a query, `limit` events at a time, or fewer if they are large.
async fn read_all(
    client: &HoneyHive,
    query: ExportEvents,
    mut limit: u32,
    mut progress: Progress,
) -> Result<Vec<Event>, hh_sdk::Error> {
    let mut events: Vec<Event> = Vec::new();
    loop {
        // Pages of another size have other boundaries, so the page that contains the next event may begin with known
        // events, which are skipped.
        let done = u32::try_from(events.len()).unwrap_or(u32::MAX);
        progress.set(done.into(), None);
        let page = client.export_events(ExportEvents {
            limit: Some(limit),
            page: Some(done / limit + 1),
            ..query.clone()
        });
        match page.await {
            Ok(page) => {
                let read = u32::try_from(page.events.len()).unwrap_or(u32::MAX);
                let is_truncated = page.truncated && limit > 1;
                events.extend(page.events.into_iter().skip((done % limit) as usize));
                if is_truncated {
                    limit = read.clamp(1, limit - 1);
                } else if read < limit {
                    return Ok(events);
                }
            }
            // Some servers reject a page that is too large.
            Err(error) if error.kind() == ErrorKind::TooLarge && limit > 1 => {
                limit = limit.div_ceil(2);
            }
            Err(error) => return Err(error),
        }
    }
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
