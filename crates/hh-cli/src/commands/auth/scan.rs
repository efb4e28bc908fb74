//! `honeyhive auth scan`: API keys where none should be.

use std::path::PathBuf;

use clap::Args;
use hh_scan::{IGNORE_FILE, IGNORE_MARK, IgnoreFiles, Report, Repository, ScanError};
use hh_text::Diagnostic;

use crate::context::Context;
use crate::error::CliError;
use crate::exit::Exit;
use crate::{output, ui};

#[derive(Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(crate) struct Arguments {
    /// Files and folders to search, this one when not given; with --staged or --history, folders of repositories
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Search what is to be committed, as a hook before a commit does
    #[arg(long)]
    staged: bool,
    /// Search every version of every file that a branch, a tag or a stash reaches
    #[arg(long, conflicts_with = "staged")]
    history: bool,
    /// Search what .gitignore and .honeyhiveignore leave out, too
    #[arg(long)]
    no_ignore: bool,
    /// Print SARIF 2.1.0, for code scanning, whatever --output says
    #[arg(long)]
    sarif: bool,
}

pub(super) fn run(context: &Context, arguments: &Arguments) -> Result<(), CliError> {
    let mut report = Report::default();
    let here = [PathBuf::from(".")];
    let paths = match arguments.paths.as_slice() {
        [] => &here[..],
        paths => paths,
    };
    let ignore_files = if arguments.no_ignore {
        IgnoreFiles::Disregard
    } else {
        IgnoreFiles::Respect
    };
    if arguments.staged || arguments.history {
        for path in paths {
            let repository = Repository::open(context.env(), path, ignore_files);
            let repository = repository.map_err(|error| failed(&error))?;
            if arguments.staged {
                repository
                    .scan_staged(&mut report)
                    .map_err(|error| failed(&error))?;
            } else {
                repository
                    .scan_history(&mut report)
                    .map_err(|error| failed(&error))?;
            }
        }
    } else {
        hh_scan::scan_paths(paths, ignore_files, &mut report);
    }
    report.sort();
    print(context, arguments, &report)?;
    print_outcome(context, arguments, &report)
}

fn failed(error: &ScanError) -> CliError {
    CliError::new(Exit::Config, error.to_string())
}

fn print(context: &Context, arguments: &Arguments, report: &Report) -> Result<(), CliError> {
    if arguments.sarif {
        return output::json(&hh_scan::sarif(report));
    }
    if context.is_json() {
        output::json(report)
    } else {
        output::lines(report.findings.iter().map(ToString::to_string))
    }
}

/// Says what was found and what to do about it.
fn print_outcome(
    context: &Context,
    arguments: &Arguments,
    report: &Report,
) -> Result<(), CliError> {
    for note in &report.notes {
        context.note(&format!("warning: {note}"));
    }
    if report.findings.is_empty() {
        if report.errors.is_empty() {
            context.note(&format!("No API keys in {}", report.scanned()));
        }
        let errors = report.errors.iter().cloned().map(Diagnostic::from);
        return CliError::of_all(Exit::Config, errors.collect());
    }
    // Whoever reads the findings must know that they are not all.
    for error in &report.errors {
        ui::print_line(&format!("warning: {error}"));
    }
    if report.omitted > 0 {
        ui::print_line(&format!(
            "warning: {} more possible keys, in files with over a thousand of them, are not listed",
            report.omitted
        ));
    }
    if report.has_key() {
        let history = if arguments.history {
            "; taking it out does not help, as the history keeps it"
        } else {
            ""
        };
        context.note(&format!(
            "note: whoever could read a key can use it: make a new one with `honeyhive auth rotate` and revoke the old one{history}"
        ));
    }
    if report.has_image() {
        context.note(
            "note: what ARG and ENV are given stays in the image: give a build its key with `RUN --mount=type=secret`, a container with HH_API_KEY_FILE",
        );
    }
    context.note(&format!(
        "note: what is no secret is left out by `{IGNORE_MARK}` in its line or alone in the line above, a file by a line in {IGNORE_FILE}"
    ));
    Err(CliError::new(Exit::Other, report.summary()))
}
