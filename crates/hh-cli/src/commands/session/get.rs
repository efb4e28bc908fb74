//! Implements `honeyhive session get`.

use clap::Args;
use hh_sdk::api::types::Event;
use hh_sdk::{ErrorKind, HoneyHive};
use serde::Serialize;

use super::super::event::details::{facts, sections};
use super::super::event::tree::{self, Shown};
use super::summary::Summary;
use crate::args;
use crate::context::Context;
use crate::error::CliError;
use crate::lazy::with_examples;
use crate::output::Progress;
use crate::pages::Selection;
use crate::sessions::{not_found, session_id, whole_id};

#[derive(Args)]
#[command(after_help = with_examples(&[
        "honeyhive session get 3f2a91bc",
        "honeyhive session get 3f2a91bc --tree --show inputs,outputs",
        "honeyhive session get 3f2a91bc --jq .summary.errors",
    ]))]
pub(crate) struct Get {
    /// Session ID or its beginning, at least 8 characters
    #[arg(value_parser = session_id)]
    id: String,
    /// Print the events of the session as a tree
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
    /// Project name (defaults to the only project of the key, or `default`)
    #[arg(long, value_name = "NAME", value_parser = args::name)]
    project: Option<String>,
}

/// The result of the command.
#[derive(Serialize)]
struct Report<'a> {
    session: &'a Event,
    summary: &'a Summary,
}

pub(super) fn run(context: &Context, arguments: &Get) -> Result<(), CliError> {
    if arguments.tree {
        context.check_is_text("--tree").map_err(|error| {
            error.with_hint("add --output table, or run `honeyhive event list --session-id ID`")
        })?;
    }
    let client = context.client(arguments.project.as_deref())?;
    let id = whole_id(context, client, &arguments.id)?;
    let session = context.run(async {
        let session = client.sessions().get(&id).await;
        session.map_err(|error| {
            if error.kind() == ErrorKind::NotFound {
                not_found(format!("session {id} was not found"))
            } else {
                context.explain(error)
            }
        })
    })?;
    let progress = context.progress("events");
    let (summary, events) = context.block_on(read(client, &id, arguments.tree, progress))?;
    let report = Report {
        session: &session,
        summary: &summary,
    };
    context.printer().object(&report, |screen| {
        let mut lines = facts(&session, screen);
        lines.extend(summary.lines());
        if arguments.tree {
            lines.push(String::new());
            lines.extend(tree::render(&events, &arguments.show, screen.width()));
        } else {
            lines.extend(sections(&session));
        }
        lines
    })
}

/// Reads the events of a session and counts them. Returns the events only if `keeps` is true, because there can be many.
async fn read(
    client: &HoneyHive,
    id: &str,
    keeps: bool,
    mut progress: Progress,
) -> Result<(Summary, Vec<Event>), hh_sdk::Error> {
    let mut summary = Summary::default();
    let mut kept = Vec::new();
    let mut count = 0;
    let query = Selection::of("session_id", id).query();
    let mut pages = client.events().search(query);
    while let Some(events) = pages.next_page().await? {
        count += events.len() as u64;
        progress.set(count, None);
        for event in events {
            summary.add(&event);
            if keeps {
                kept.push(event);
            }
        }
    }
    Ok((summary, kept))
}
