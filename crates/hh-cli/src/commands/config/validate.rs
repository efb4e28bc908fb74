//! `honeyhive config validate`

use std::path::PathBuf;

use clap::Args;
use hh_sdk::config::{Problem, Stack};
use hh_sdk::tooling::Layers;
use serde::Serialize;

use crate::context::Context;
use crate::error::CliError;
use crate::exit::Exit;
use crate::output;
use crate::ui::without_keys;

#[derive(Args)]
pub(crate) struct Arguments {
    /// File to check by itself; else everything that is in effect
    file: Option<PathBuf>,
}

#[derive(Serialize)]
struct Report {
    valid: bool,
    problems: Vec<String>,
    warnings: Vec<String>,
}

pub(super) fn run(context: &Context, arguments: &Arguments) -> Result<(), CliError> {
    let (what, problems, warnings) = if let Some(file) = &arguments.file {
        let stack = Stack::of_file(context.env(), file);
        let what = file.display().to_string();
        (what, texts(&stack.problems()), stack.warnings())
    } else {
        let effective = context.layers();
        let warnings = effective.warnings();
        let mut problems = texts(&effective.stack.problems());
        problems.extend(effective.store_error.iter().map(ToString::to_string));
        if problems.is_empty() {
            problems.extend(check_key(context, effective));
        }
        let what = "the settings in effect".to_owned();
        (what, problems, warnings)
    };
    for warning in &warnings {
        context.say(&format!("warning: {warning}"));
    }
    if context.is_json() {
        let shown = |texts: &[String]| texts.iter().map(|text| without_keys(text)).collect();
        output::json(&Report {
            valid: problems.is_empty(),
            problems: shown(&problems),
            warnings: shown(&warnings),
        })?;
    }
    if problems.is_empty() {
        context.say(&format!("No mistakes in {what}"));
    }
    CliError::of_all(Exit::Config, problems)
}

fn texts(problems: &[Problem]) -> Vec<String> {
    problems.iter().map(ToString::to_string).collect()
}

/// What is wrong with the shape of the API key in effect, if there is one.
fn check_key(context: &Context, layers: Layers) -> Option<String> {
    let resolved = layers.resolve().ok()?;
    match resolved.check_key() {
        Ok(warning) => {
            if let Some(warning) = warning {
                context.say(&format!("warning: {warning}"));
            }
            None
        }
        Err(error) => Some(error.to_string()),
    }
}
