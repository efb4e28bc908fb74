//! Implements `honeyhive auth owners`.

use clap::{Args, Subcommand};
use hh_sdk::api::types::{CreateOwner, Owner, PrincipalKind};

use crate::context::Context;
use crate::error::CliError;
use crate::exit::Exit;
use crate::lazy::LazyCommand;
use crate::output::{Column, List, Screen, Table};

#[derive(Subcommand)]
pub(crate) enum Command {
    /// List key owners
    List(LazyCommand<()>),
    /// Create an owner (`honeyhive auth keys create --owner` also creates missing owners)
    Create(LazyCommand<Create>),
    /// Disable an owner: revoke all its keys and block new ones
    Disable(LazyCommand<Disable>),
}

#[derive(Args)]
pub(crate) struct Create {
    /// E-mail address of a user, or name of a service account
    name: String,
}

#[derive(Args)]
pub(crate) struct Disable {
    /// Owner ID or name, as printed by `honeyhive auth owners list`
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
    let result = List::complete(&owners);
    context.printer().list(&result, |screen| {
        let columns = [
            Column::id("ID").optional(3),
            Column::text("OWNER"),
            Column::whole("TYPE").optional(2),
            Column::whole("ACTIVE KEYS").optional(1),
            Column::whole("STATE"),
        ];
        let rows = owners.iter().map(|owner| {
            [
                owner.id.clone(),
                owner.principal.name.clone(),
                kind(owner).to_owned(),
                owner.active_keys.to_string(),
                state(owner, screen),
            ]
        });
        Table::new(columns, rows).lines(screen)
    })
}

fn create(context: &Context, name: String) -> Result<(), CliError> {
    let client = context.client(None)?;
    let owner = context.block_on(client.create_owner(&CreateOwner { name }))?;
    context.success(&format!("Created owner {}", owner.principal.name));
    context.printer().data(&owner)
}

fn disable(context: &Context, wanted: &str) -> Result<(), CliError> {
    let client = context.client(None)?;
    // Users know names, but the API requires ids.
    let owners = context.block_on(client.list_owners())?;
    let is_wanted = |owner: &&Owner| owner.id == wanted || owner.principal.name == wanted;
    let owner = owners.iter().find(is_wanted).ok_or_else(|| {
        CliError::new(Exit::Network, "owner not found")
            .with_hint("run `honeyhive auth owners list` to list all owners")
    })?;
    let disabled = context.block_on(client.disable_owner(&owner.id))?;
    let keys = match disabled.revoked_keys {
        1 => "1 key".to_owned(),
        count => format!("{count} keys"),
    };
    let name = &owner.principal.name;
    context.success(&format!("Disabled owner {name} and revoked {keys}"));
    context.printer().data(&disabled)
}

fn kind(owner: &Owner) -> &'static str {
    match owner.principal.kind {
        PrincipalKind::User => "user",
        PrincipalKind::ServiceAccount => "service account",
        _ => "unknown",
    }
}

fn state(owner: &Owner, screen: &Screen) -> String {
    match owner.disabled_at {
        Some(time) => format!("disabled {}", screen.time(time)),
        None => "active".to_owned(),
    }
}
