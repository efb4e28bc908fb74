//! Implements `honeyhive auth scan`, which searches for leaked API keys.

use std::path::PathBuf;

use clap::Args;
use hh_scan::{IGNORE_FILE, IGNORE_MARK, IgnoreFiles, Report, Repository, ScanError};
use hh_text::Diagnostic;

use crate::context::Context;
use crate::error::CliError;
use crate::exit::Exit;
use crate::{output, ui};

#[derive(Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each field is a separate flag"
)]
pub(crate) struct Arguments {
    /// Files and directories to scan; with --staged or --history, git repositories [default: .]
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Scan staged changes, e.g. in a pre-commit hook
    #[arg(long)]
    staged: bool,
    /// Scan every file version that is reachable from a branch, tag or stash
    #[arg(long, conflicts_with = "staged")]
    history: bool,
    /// Also scan files that .gitignore or .honeyhiveignore exclude
    #[arg(long)]
    no_ignore: bool,
    /// Print SARIF 2.1.0 for code scanning (overrides --output)
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
        return output::verbatim(&output::json_text(&hh_scan::sarif(report))?);
    }
    context.printer().report(report, "findings", |_| {
        report.findings.iter().map(ToString::to_string).collect()
    })
}

/// Prints a summary and advice, and returns an error if there are findings.
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
            context.note(&format!("No API keys found in {}", report.scanned()));
        }
        let errors = report.errors.iter().cloned().map(Diagnostic::from);
        return CliError::of_all(Exit::Config, errors.collect());
    }
    // Warnings are printed even with `--quiet`, because the findings are incomplete.
    for error in &report.errors {
        ui::print_line(&format!("warning: {error}"));
    }
    if report.omitted > 0 {
        ui::print_line(&format!(
            "warning: {} more possible keys are not listed, because their files have more than 1,000 findings",
            report.omitted
        ));
    }
    if report.has_key() {
        let history = if arguments.history {
            "; deleting it does not remove it from the history"
        } else {
            ""
        };
        context.note(&format!(
            "note: treat a leaked key as compromised: create a new key with `honeyhive auth rotate` and revoke the old one{history}"
        ));
    }
    if report.has_image() {
        context.note(
            "note: values of ARG and ENV remain in the image: pass the key to a build with `RUN --mount=type=secret`, and to a container with HH_API_KEY_FILE",
        );
    }
    context.note(&format!(
        "note: to suppress a false positive, add `{IGNORE_MARK}` to the line or on its own to the line above, or list the file in {IGNORE_FILE}"
    ));
    Err(CliError::new(Exit::Other, report.summary()))
}
