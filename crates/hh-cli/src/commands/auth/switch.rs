//! Implements `honeyhive auth switch`.

use clap::Args;

use super::list::ProfileRow;
use crate::context::Context;
use crate::error::CliError;

#[derive(Args)]
pub(crate) struct Arguments {
    /// Name of the profile to use
    name: String,
}

pub(super) fn run(context: &Context, arguments: &Arguments) -> Result<(), CliError> {
    let name = &arguments.name;
    context.store()?.switch(name)?;
    context.success(&format!("Switched to profile \"{name}\""));
    if let Some(entry) = context.profiles()?.entry(Some(name)) {
        context.printer().data(&ProfileRow::of(entry, true))?;
    }
    if let Some(other) = context.profile_name().filter(|other| other != name) {
        context.note(&format!(
            "note: profile \"{other}\" remains in use because HH_PROFILE or --profile selects it"
        ));
    }
    if let Some(place) = context.other_key() {
        context.note(&format!(
            "note: the key from {place} takes precedence over all saved keys"
        ));
    }
    Ok(())
}
