//! `honeyhive config get`

use clap::Args;
use hh_sdk::config::RedactedValue;

use super::find::find;
use super::layers::{layers, problems_of};
use super::record::Record;
use crate::context::Context;
use crate::error::CliError;
use crate::exit::Exit;
use crate::output;

#[derive(Args)]
pub(crate) struct Arguments {
    /// Setting, such as timeout
    name: String,
}

pub(super) fn run(context: &Context, arguments: &Arguments) -> Result<(), CliError> {
    let name = find(&arguments.name)?;
    let layers = layers(context);
    let explained = layers.stack.explain_one(name);
    let problems = problems_of(&layers, name);
    if context.is_json() {
        output::json(&Record::new(&explained))?;
    } else if let Some(value) = explained.value.text(hh_sdk::auth::redact)
        // A program that reads the text must not take another value for it.
        && problems.is_empty()
    {
        output::lines([value])?;
    }
    CliError::of_all(Exit::Config, problems)?;
    if let RedactedValue::Unset = explained.value {
        return Err(CliError::new(Exit::Other, format!("{name} is not set")));
    }
    Ok(())
}
