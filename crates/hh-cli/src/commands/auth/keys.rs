//! Implements `honeyhive auth keys`.

mod create;
mod expiry;
mod find;
pub(super) mod refused;
mod rotate;
mod secret;
mod table;
mod update;

use clap::{Args, Subcommand};
use hh_sdk::api::types::KeyState;

use crate::context::Context;
use crate::error::CliError;
use crate::lazy::LazyCommand;
use crate::output;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Create an API key (the secret is printed only once)
    Create(LazyCommand<create::Create>),
    /// List API keys, without their secrets
    List(LazyCommand<List>),
    /// Show everything about an API key except its secret
    Show(LazyCommand<Show>),
    /// Change the name, the note or the lifetime of an API key
    Update(LazyCommand<update::Update>),
    /// Create a key that replaces another one, which keeps working for a while
    Rotate(LazyCommand<rotate::Rotate>),
    /// Revoke an API key (takes effect immediately)
    Revoke(LazyCommand<Revoke>),
}

#[derive(Args)]
pub(crate) struct List {
    /// Include revoked, expired and replaced keys
    #[arg(long)]
    all: bool,
}

#[derive(Args)]
pub(crate) struct Show {
    /// Key ID or its beginning, as printed by `honeyhive auth keys list`
    id: String,
}

#[derive(Args)]
pub(crate) struct Revoke {
    /// Key ID or its beginning, as printed by `honeyhive auth keys list`
    id: String,
}

pub(super) fn run(context: &Context, command: Command) -> Result<(), CliError> {
    match command {
        Command::Create(LazyCommand(arguments)) => create::run(context, arguments),
        Command::List(LazyCommand(arguments)) => list(context, &arguments),
        Command::Show(LazyCommand(arguments)) => show(context, &arguments.id),
        Command::Update(LazyCommand(arguments)) => update::run(context, arguments),
        Command::Rotate(LazyCommand(arguments)) => rotate::run(context, &arguments),
        Command::Revoke(LazyCommand(arguments)) => revoke(context, &arguments.id),
    }
}

fn list(context: &Context, arguments: &List) -> Result<(), CliError> {
    let client = context.client(None)?;
    let keys = context.block_on(async {
        if arguments.all {
            client.list_all_keys().await
        } else {
            client.list_keys().await
        }
    })?;
    let result = output::List::complete(&keys);
    context
        .printer()
        .list(&result, |screen| table::table(&keys, screen))
}

fn show(context: &Context, id: &str) -> Result<(), CliError> {
    let client = context.client(None)?;
    let id = find::find_id(context, client, id)?;
    let key = context.block_on(client.get_key(&id))?;
    context
        .printer()
        .object(&key, |screen| table::lines(&key, screen))
}

fn revoke(context: &Context, id: &str) -> Result<(), CliError> {
    let client = context.client(None)?;
    let id = find::find_id(context, client, id)?;
    let before = context.block_on(client.get_key(&id));
    let was_revoked = before.is_ok_and(|key| key.state == KeyState::Revoked);
    let key = context.block_on(client.revoke_key(&id))?;
    context.success(&if was_revoked {
        format!("Key {} ({}) was already revoked", key.id, key.name)
    } else {
        format!("Revoked key {} ({})", key.id, key.name)
    });
    context.printer().data(&key)
}
