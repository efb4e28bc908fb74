//! Implements `honeyhive auth owners`.

use clap::{Args, Subcommand};
use hh_sdk::api::types::{CreateOwner, Owner, PrincipalKind};

use crate::args;
use crate::context::Context;
use crate::error::CliError;
use crate::exit::Exit;
use crate::lazy::LazyCommand;
use crate::output::{Column, List, Screen, Table};
use crate::prefix;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// List key owners
    List(LazyCommand<()>),
    /// Create an owner (`honeyhive auth keys create --owner` also creates missing owners)
    Create(LazyCommand<Create>),
    /// Disable an owner: revoke all its keys and block new ones
    Disable(LazyCommand<Disable>),
    /// Enable a disabled owner, so that new keys can be created (revoked keys stay revoked)
    Enable(LazyCommand<Enable>),
}

#[derive(Args)]
pub(crate) struct Create {
    /// E-mail address of a user, or name of a service account
    #[arg(value_parser = args::name)]
    name: String,
}

#[derive(Args)]
pub(crate) struct Disable {
    /// Owner ID, its beginning, or the name, as printed by `honeyhive auth owners list`
    owner: String,
}

#[derive(Args)]
pub(crate) struct Enable {
    /// Owner ID, its beginning, or the name, as printed by `honeyhive auth owners list`
    owner: String,
}

pub(super) fn run(context: &Context, command: Command) -> Result<(), CliError> {
    match command {
        Command::List(_) => list(context),
        Command::Create(LazyCommand(arguments)) => create(context, arguments.name),
        Command::Disable(LazyCommand(arguments)) => disable(context, &arguments.owner),
        Command::Enable(LazyCommand(arguments)) => enable(context, &arguments.owner),
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

/// Returns the owner that an id, the beginning of an id or a name means. Users know names, but the API requires ids.
fn find(context: &Context, wanted: &str) -> Result<Owner, CliError> {
    let client = context.client(None)?;
    let mut owners = context.block_on(client.list_owners())?;
    let is_exact = |owner: &Owner| owner.id == wanted || owner.principal.name == wanted;
    let mut found = owners.iter().position(is_exact);
    // A shorter text can only be a name.
    if found.is_none() && wanted.len() >= prefix::MIN_LENGTH {
        let ids = owners.iter().map(|owner| owner.id.as_str());
        let id = prefix::find("owner", wanted, ids)?;
        found = owners.iter().position(|owner| Some(&*owner.id) == id);
    }
    let found = found.map(|at| owners.swap_remove(at));
    found.ok_or_else(|| {
        CliError::new(Exit::Network, format!("owner {wanted} not found"))
            .with_hint("run `honeyhive auth owners list` to list all owners")
    })
}

fn enable(context: &Context, wanted: &str) -> Result<(), CliError> {
    let owner = find(context, wanted)?;
    let enabled = context.block_on(context.client(None)?.enable_owner(&owner.id))?;
    context.success(&format!(
        "Enabled owner {}; create new keys with `honeyhive auth keys create`",
        enabled.principal.name
    ));
    context.printer().data(&enabled)
}

fn disable(context: &Context, wanted: &str) -> Result<(), CliError> {
    let owner = find(context, wanted)?;
    let client = context.client(None)?;
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
