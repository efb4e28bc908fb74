//! Implements `honeyhive config get`.

use clap::Args;
use hh_sdk::config::RedactedValue;

use super::find::find;
use super::layers::{layers, problems_of};
use super::record::Record;
use crate::context::Context;
use crate::error::CliError;
use crate::exit::Exit;

#[derive(Args)]
pub(crate) struct Arguments {
    /// Name of the setting, e.g. `timeout`
    name: String,
}

pub(super) fn run(context: &Context, arguments: &Arguments) -> Result<(), CliError> {
    let name = find(&arguments.name)?;
    let layers = layers(context);
    let explained = layers.stack.explain_one(name);
    let problems = problems_of(&layers, name);
    context.printer().object(&Record::new(&explained), |_| {
        let value = explained.value.text(hh_sdk::auth::redact);
        // If there are problems, a program must not read a value from a lower source.
        value.into_iter().filter(|_| problems.is_empty()).collect()
    })?;
    CliError::of_all(Exit::Config, problems)?;
    if let RedactedValue::Unset = explained.value {
        return Err(CliError::new(Exit::Other, format!("{name} is not set")));
    }
    Ok(())
}
