//! `honeyhive auth owners`

use clap::{Args, Subcommand};
use hh_sdk::api::types::{CreateOwner, Owner, PrincipalKind};

use crate::context::Context;
use crate::error::CliError;
use crate::exit::Exit;
use crate::lazy::LazyCommand;
use crate::output;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// List the people and service accounts that keys act for
    List(LazyCommand<()>),
    /// Make an owner; making a key for a new name does so too
    Create(LazyCommand<Create>),
    /// Revoke all keys of somebody who leaves, and let no new one be made for them
    Disable(LazyCommand<Disable>),
}

#[derive(Args)]
pub(crate) struct Create {
    /// An e-mail address, or the name of a service account
    name: String,
}

#[derive(Args)]
pub(crate) struct Disable {
    /// The owner's id or name, as `honeyhive auth owners list` shows it
    owner: String,
}

pub(super) fn run(context: &Context, command: Command) -> Result<(), CliError> {
    match command {
        Command::List(_) => list(context),
        Command::Create(LazyCommand(arguments)) => create(context, arguments.name),
        Command::Disable(LazyCommand(arguments)) => disable(context, &arguments.owner),
    }
}

fn list(context: &Context) -> Result<(), CliError> {
    let client = context.client(None)?;
    let owners = context.block_on(client.list_owners())?;
    if context.is_json() {
        return output::json(&owners);
    }
    let rows = owners.iter().map(|owner| {
        [
            owner.id.clone(),
            owner.principal.name.clone(),
            kind(owner).to_owned(),
            owner.active_keys.to_string(),
            state(owner),
        ]
    });
    output::table(["ID", "OWNER", "TYPE", "ACTIVE KEYS", "STATE"], rows)
}

fn create(context: &Context, name: String) -> Result<(), CliError> {
    let client = context.client(None)?;
    let owner = context.block_on(client.create_owner(&CreateOwner { name }))?;
    context.note(&format!("Made owner {}", owner.principal.name));
    if context.is_json() {
        return output::json(&owner);
    }
    Ok(())
}

fn disable(context: &Context, wanted: &str) -> Result<(), CliError> {
    let client = context.client(None)?;
    // People know names, requests take ids.
    let owners = context.block_on(client.list_owners())?;
    let is_wanted = |owner: &&Owner| owner.id == wanted || owner.principal.name == wanted;
    let owner = owners.iter().find(is_wanted).ok_or_else(|| {
        CliError::new(Exit::Network, "there is no such owner")
            .with_hint("see `honeyhive auth owners list`")
    })?;
    let disabled = context.block_on(client.disable_owner(&owner.id))?;
    let keys = match disabled.revoked_keys {
        1 => "1 key".to_owned(),
        count => format!("{count} keys"),
    };
    let name = &owner.principal.name;
    context.note(&format!("Disabled owner {name} and revoked {keys}"));
    if context.is_json() {
        return output::json(&disabled);
    }
    Ok(())
}

fn kind(owner: &Owner) -> &'static str {
    match owner.principal.kind {
        PrincipalKind::User => "user",
        PrincipalKind::ServiceAccount => "service account",
        _ => "unknown",
    }
}

fn state(owner: &Owner) -> String {
    match owner.disabled_at {
        Some(time) => format!("disabled {time:.0}"),
        None => "active".to_owned(),
    }
}
