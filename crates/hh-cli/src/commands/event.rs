//! `honeyhive event`

mod tree;

use clap::{Args, Subcommand, ValueEnum};
use hh_sdk::api::types::{ExportEvents, Filter};
use uuid::Uuid;

use crate::context::{Context, block_on, wants_json};
use crate::error::CliError;
use crate::output;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// List events, the latest first
    List(List),
}

#[derive(Args)]
pub(crate) struct List {
    /// Events of this session only
    #[arg(long, value_name = "ID")]
    session_id: Option<Uuid>,
    /// Events of this type only
    #[arg(long, value_name = "TYPE")]
    event_type: Option<TypeName>,
    /// Show sessions with their events below them
    #[arg(long)]
    tree: bool,
    /// Project, unless the key has only one
    #[arg(long, value_name = "NAME")]
    project: Option<String>,
    /// Events on a page
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=7500))]
    limit: u32,
    /// Page, counted from 1
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    page: u32,
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
    let Command::List(arguments) = command;
    let session = arguments.session_id.map(|id| id.to_string());
    let kind = arguments.event_type.map(TypeName::as_str);
    let filters = [("session_id", session.as_deref()), ("event_type", kind)]
        .into_iter()
        .filter_map(|(field, value)| Some(Filter::is(field, value?)))
        .collect();
    let client = context.client(context.options(), arguments.project.as_deref())?;
    let page = block_on(client.export_events(ExportEvents {
        filters,
        limit: Some(arguments.limit),
        page: Some(arguments.page),
        ..ExportEvents::default()
    }))?;
    if wants_json(client.settings()) {
        return output::json(&page.events);
    }
    if arguments.tree {
        output::lines(tree::render(&page.events))?;
    } else {
        let rows = page.events.iter().map(|event| {
            [
                output::time(event.start_time),
                event.event_type.as_str().to_owned(),
                event.event_name.clone(),
                output::duration(event.duration),
                event.session_id.to_string(),
                event.event_id.to_string(),
            ]
        });
        let header = ["STARTED", "TYPE", "NAME", "DURATION", "SESSION", "EVENT"];
        output::table(header, rows)?;
    }
    context.say_more(page.events.len(), page.total_events);
    Ok(())
}
