//! Implements `honeyhive auth logout`.

use clap::Args;
use hh_sdk::auth::ProfileEntry;
use hh_sdk::{SecurityEvent, SecurityEventKind};
use serde::Serialize;

use super::only_copy;
use crate::context::Context;
use crate::error::CliError;

#[derive(Args)]
pub(crate) struct Arguments {
    /// Remove all saved keys
    #[arg(long)]
    all: bool,
    /// Remove an admin key without confirmation, even if no other copy of it is known
    #[arg(long, short)]
    yes: bool,
}

#[derive(Serialize)]
struct LogoutReport {
    /// The name of the removed profile; null if all were removed, or none.
    profile: Option<String>,
    /// The number of removed keys.
    removed: usize,
}

pub(super) fn run(context: &Context, arguments: &Arguments) -> Result<(), CliError> {
    let store = context.store()?;
    let security = context.security_log()?;
    if !arguments.yes {
        let selected = context.profile_name();
        let profiles = context.profiles().ok();
        let removed = profiles.and_then(|all| all.entry(selected.as_deref()));
        let is_removed = |entry: &ProfileEntry| {
            arguments.all || removed.is_some_and(|removed| removed.name == entry.name)
        };
        only_copy::confirm(context, is_removed)?;
    }
    let mut report = LogoutReport {
        profile: None,
        removed: 0,
    };
    let done = if arguments.all {
        let removed = store.remove_all()?;
        if removed.was_unreadable {
            context.note("note: removed a damaged credential file; keys may remain in the keyring: delete the items \"honeyhive\" with your keyring manager");
        }
        report.removed = removed.count;
        match removed.count {
            0 if removed.was_unreadable => Some("Removed the credential file".to_owned()),
            0 => None,
            1 => Some("Removed 1 saved key".to_owned()),
            count => Some(format!("Removed {count} saved keys")),
        }
    } else {
        report.profile = store.remove(context.profile_name().as_deref())?;
        report.removed = report.profile.iter().count();
        let name = report.profile.as_ref();
        name.map(|name| format!("Removed the saved key of profile \"{name}\""))
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
    context.printer().data(&report)
}
