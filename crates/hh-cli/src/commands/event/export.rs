//! Implements `honeyhive event export`.

mod file;

use std::ffi::OsStr;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use hh_sdk::{EventPages, HoneyHive};

use self::file::{ExportFile, State};
use super::filters::Filters;
use crate::args::{self, Format};
use crate::context::Context;
use crate::error::CliError;
use crate::lazy::with_examples;
use crate::output::{Progress, RowFormat, RowWriter};
use crate::pages::EVENT_FIELDS;
use crate::sessions::whole_id;

#[derive(Args)]
#[command(after_help = with_examples(&[
        "honeyhive event export --since 1d | jq .event_name",
        "honeyhive event export -o csv --json event_id,event_name,duration --output-file events.csv",
        "honeyhive event export --output-file events.jsonl --resume",
    ]))]
pub(crate) struct Export {
    /// File to write to, which is replaced (defaults to standard output); without --output, .csv or .jsonl is the format
    #[arg(long, value_name = "FILE", value_parser = args::path)]
    output_file: Option<PathBuf>,
    /// Continue the interrupted export to --output-file, with its filters and its format
    #[arg(long, requires = "output_file")]
    resume: bool,
    #[command(flatten)]
    filters: Filters,
    /// Project name (defaults to the only project of the key, or `default`)
    #[arg(long, value_name = "NAME", value_parser = args::name)]
    project: Option<String>,
}

pub(super) fn run(context: &Context, arguments: &Export) -> Result<(), CliError> {
    let format = format(context, arguments.output_file.as_deref())?;
    let rows = context.printer().stream(format, &EVENT_FIELDS)?;
    let Some(path) = &arguments.output_file else {
        let client = context.client(arguments.project.as_deref())?;
        let selection = arguments
            .filters
            .selection(session(context, client, &arguments.filters)?.as_deref());
        let pages = client.events().search(selection.query());
        return to_stdout(context, pages, &rows);
    };
    let (client, mut file) = if arguments.resume {
        resume(context, arguments, path, &rows)?
    } else {
        let client = context.client(arguments.project.as_deref())?;
        let session = session(context, client, &arguments.filters)?;
        let state = State::new(
            client.settings(),
            arguments.filters.given(),
            arguments.filters.selection(session.as_deref()),
            rows,
        );
        (client, ExportFile::create(path, state)?)
    };
    let result = to_file(context, client, &mut file);
    let count = file.state().events();
    match result {
        Ok(()) => {
            file.finish()?;
            context.success(&format!("Exported {count} events to {}", path.display()));
            Ok(())
        }
        Err(error) => {
            if file.is_started() {
                context.note(&format!(
                    "note: {} has {count} events so far; add --resume to continue",
                    path.display()
                ));
            }
            Err(error)
        }
    }
}

/// Returns the whole id of the session that the options select.
fn session(
    context: &Context,
    client: &HoneyHive,
    filters: &Filters,
) -> Result<Option<String>, CliError> {
    let id = filters.session().map(|id| whole_id(context, client, id));
    id.transpose()
}

/// Opens the file of an interrupted export of the same events.
fn resume<'a>(
    context: &'a Context,
    arguments: &Export,
    path: &Path,
    rows: &RowWriter,
) -> Result<(&'a HoneyHive, ExportFile), CliError> {
    let state = State::read(path)?;
    let project = arguments.project.as_deref().or(state.project());
    let client = context.client(project)?;
    let global = context.global();
    let has_format = global.output.is_some() || !global.json.is_empty();
    state.check(
        client.settings(),
        &arguments.filters.given(),
        has_format.then_some(rows),
    )?;
    Ok((client, ExportFile::open(path, state)?))
}

/// Returns the format of the rows: that of --output, else that of the name of the file. The setting for other commands
/// does not have to be one of the two.
fn format(context: &Context, file: Option<&Path>) -> Result<RowFormat, CliError> {
    let global = context.global();
    if global.jq.is_some() {
        return Err(
            CliError::usage("the option --jq cannot be used with `event export`")
                .with_hint("use --json to select fields, or pass the output to the program jq"),
        );
    }
    let suffix = file.and_then(Path::extension).and_then(OsStr::to_str);
    match (global.output, suffix) {
        (None, Some(suffix)) if suffix.eq_ignore_ascii_case("csv") => return Ok(RowFormat::Csv),
        (None, Some(suffix)) if suffix.eq_ignore_ascii_case("jsonl") => {
            return Ok(RowFormat::Jsonl);
        }
        (None | Some(Format::Jsonl | Format::Csv), _) => {}
        (Some(format @ (Format::Table | Format::Json | Format::Yaml)), _) => {
            let message = format!("event export cannot write the format {}", format.as_str());
            return Err(CliError::usage(message).with_hint("use --output jsonl or --output csv"));
        }
    }
    Ok(match context.format() {
        Format::Csv => RowFormat::Csv,
        Format::Table | Format::Json | Format::Jsonl | Format::Yaml => RowFormat::Jsonl,
    })
}

/// Writes all events to standard output.
fn to_stdout(context: &Context, mut pages: EventPages, rows: &RowWriter) -> Result<(), CliError> {
    let printer = context.printer();
    // On a terminal, the progress would be mixed with the events.
    let mut progress = (!printer.is_on_terminal()).then(|| context.progress("events"));
    let mut count = 0;
    let mut out = io::stdout().lock();
    context.run(async {
        out.write_all(printer.safe(rows.header()?).as_bytes())?;
        while let Some(events) = next_page(context, &mut pages).await? {
            out.write_all(printer.safe(rows.rows(&events)?).as_bytes())?;
            out.flush()?;
            count += events.len() as u64;
            if let Some(progress) = &mut progress {
                progress.set(count, None);
            }
        }
        Ok(())
    })
}

/// Appends the events that follow to a file. The state file is updated after each page.
fn to_file(context: &Context, client: &HoneyHive, file: &mut ExportFile) -> Result<(), CliError> {
    let mut pages = client.events().search(file.state().query());
    let mut progress: Progress = context.progress("events");
    context.run(async {
        while let Some(events) = next_page(context, &mut pages).await? {
            file.append(&events, pages.position())?;
            progress.set(file.state().events(), None);
        }
        Ok(())
    })
}

async fn next_page(
    context: &Context,
    pages: &mut EventPages,
) -> Result<Option<Vec<hh_sdk::api::types::Event>>, CliError> {
    let page = pages.next_page().await;
    page.map_err(|error| context.explain(error))
}
