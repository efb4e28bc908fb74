//! Implements `honeyhive auth scan`, which searches for leaked API keys.

use std::io;
use std::path::{Path, PathBuf};

use clap::Args;
use hh_scan::{IGNORE_FILE, IGNORE_MARK, IgnoreFiles, Report, Repository, ScanError};

use crate::args;
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
    /// Files and directories to scan, or - for standard input; with --staged or --history, git repositories [default: .]
    #[arg(value_name = "PATH", value_parser = args::path)]
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

/// The path that stands for standard input, and its name in the output.
const STDIN: (&str, &str) = ("-", "<stdin>");

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
    let (stdin, paths): (Vec<_>, Vec<_>) = paths
        .iter()
        .cloned()
        .partition(|path| path == Path::new(STDIN.0));
    let is_git = arguments.staged || arguments.history;
    if is_git && !stdin.is_empty() {
        let message = "standard input is not a git repository";
        return Err(CliError::usage(message).with_hint("omit --staged and --history, or `-`"));
    }
    let counter = report.progress();
    let progress = context.progress("files");
    progress.watch(
        move || counter.files(),
        || {
            if is_git {
                for path in &paths {
                    // Other repositories are scanned even if one fails, because a finding is more important.
                    let scanned =
                        scan_repository(context, arguments, path, ignore_files, &mut report);
                    report.errors.extend(scanned.err().map(Into::into));
                }
                return;
            }
            if !stdin.is_empty() {
                hh_scan::scan_reader(STDIN.1, io::stdin().lock(), &mut report);
            }
            hh_scan::scan_paths(context.env(), &paths, ignore_files, &mut report);
        },
    );
    report.sort();
    print(context, arguments, &report)?;
    print_outcome(context, arguments, &report)
}

fn scan_repository(
    context: &Context,
    arguments: &Arguments,
    path: &Path,
    ignore_files: IgnoreFiles,
    report: &mut Report,
) -> Result<(), ScanError> {
    let repository = Repository::open(context.env(), path, ignore_files)?;
    if arguments.staged {
        repository.scan_staged(report)
    } else {
        repository.scan_history(report)
    }
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
        return CliError::of_all(Exit::Config, report.errors.clone());
    }
    // Warnings are printed even with `--quiet`, because the findings are incomplete.
    for error in &report.errors {
        ui::print_line(&format!("warning: {}", error.to_line()));
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
