//! `honeyhive auth switch`

use clap::Args;

use crate::context::Context;
use crate::error::CliError;

#[derive(Args)]
pub(crate) struct Arguments {
    /// Profile to use from now on
    name: String,
}

pub(super) fn run(context: &Context, arguments: &Arguments) -> Result<(), CliError> {
    let name = &arguments.name;
    context.store()?.switch(name)?;
    context.note(&format!("Switched to profile \"{name}\""));
    if let Some(other) = context.profile_name().filter(|other| other != name) {
        context.note(&format!(
            "note: profile \"{other}\" is still used here, since HH_PROFILE or --profile names it"
        ));
    }
    if let Some(place) = context.other_key() {
        context.note(&format!(
            "note: the key from {place} wins over every saved key"
        ));
    }
    Ok(())
}
