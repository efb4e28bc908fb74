//! Implements `honeyhive config validate`.

use std::path::PathBuf;

use clap::Args;
use hh_sdk::config::Stack;
use hh_sdk::tooling::Layers;
use hh_text::Diagnostic;
use serde::Serialize;

use crate::context::Context;
use crate::error::{CliError, diagnostic, of_problem};
use crate::exit::Exit;
use crate::ui::without_keys;

#[derive(Args)]
pub(crate) struct Arguments {
    /// File to check (if omitted, checks all settings in effect)
    file: Option<PathBuf>,
}

#[derive(Serialize)]
struct ValidationReport {
    valid: bool,
    problems: Vec<String>,
    warnings: Vec<String>,
}

pub(super) fn run(context: &Context, arguments: &Arguments) -> Result<(), CliError> {
    let (what, problems, warnings) = if let Some(file) = &arguments.file {
        let stack = Stack::of_file(context.env(), file);
        let what = file.display().to_string();
        let problems = stack.problems().iter().map(of_problem).collect();
        (what, problems, stack.warnings())
    } else {
        let effective = context.layers();
        let warnings = effective.warnings();
        let mut problems: Vec<_> = effective.stack.problems().iter().map(of_problem).collect();
        let of_store = |error: &hh_sdk::Error| diagnostic(error.message(), error.hint());
        problems.extend(effective.store_error.iter().map(of_store));
        if problems.is_empty() {
            problems.extend(check_key(context, effective));
        }
        let what = "the settings in effect".to_owned();
        (what, problems, warnings)
    };
    for warning in &warnings {
        context.note(&format!("warning: {warning}"));
    }
    let shown = |text: String| without_keys(&text);
    context.printer().data(&ValidationReport {
        valid: problems.is_empty(),
        problems: problems
            .iter()
            .map(Diagnostic::to_line)
            .map(shown)
            .collect(),
        warnings: warnings.iter().cloned().map(shown).collect(),
    })?;
    if problems.is_empty() {
        context.note(&format!("No problems found in {what}"));
    }
    CliError::of_all(Exit::Config, problems)
}

/// Returns the problem with the format of the active API key, if there is one.
fn check_key(context: &Context, layers: Layers) -> Option<Diagnostic> {
    let resolved = layers.resolve().ok()?;
    match resolved.check_key() {
        Ok(warning) => {
            if let Some(warning) = warning {
                context.note(&format!("warning: {warning}"));
            }
            None
        }
        Err(error) => Some(diagnostic(error.message(), error.hint())),
    }
}
