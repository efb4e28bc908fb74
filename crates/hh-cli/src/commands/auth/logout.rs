//! Implements `honeyhive auth logout`.

use clap::Args;
use hh_sdk::{SecurityEvent, SecurityEventKind};

use crate::context::Context;
use crate::error::CliError;

#[derive(Args)]
pub(crate) struct Arguments {
    /// Remove all saved keys
    #[arg(long)]
    all: bool,
}

pub(super) fn run(context: &Context, arguments: &Arguments) -> Result<(), CliError> {
    let store = context.store()?;
    let security = context.security_log()?;
    let done = if arguments.all {
        let removed = store.remove_all()?;
        if removed.was_unreadable {
            context.note("note: removed a damaged credential file; keys may remain in the keyring: delete the items \"honeyhive\" with your keyring manager");
        }
        match removed.count {
            0 => None,
            1 => Some("Removed 1 saved key".to_owned()),
            count => Some(format!("Removed {count} saved keys")),
        }
    } else {
        store
            .remove(context.profile_name().as_deref())?
            .map(|name| format!("Removed the saved key of profile \"{name}\""))
    };
    if let Some(done) = &done {
        let event = SecurityEvent::new(SecurityEventKind::Logout);
        security.record(&event.with_detail(done));
    }
    match done {
        Some(done) => context.success(&format!(
            "{done}; this does not revoke keys on the server, use `honeyhive auth keys revoke`"
        )),
        None => context.note("No saved key to remove"),
    }
    if let Some(place) = context.other_key() {
        context.note(&format!("note: the key from {place} is still in use"));
    }
    Ok(())
}
