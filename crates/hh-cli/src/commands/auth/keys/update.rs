//! Implements `honeyhive auth keys update`.

use clap::{ArgGroup, Args};
use hh_sdk::api::types::{Change, UpdateKey};

use super::expiry::expiry;
use super::find::find_id;
use super::table;
use crate::args;
use crate::context::Context;
use crate::error::CliError;

#[derive(Args)]
#[command(group = ArgGroup::new("change").required(true).multiple(true).args(["name", "note", "no_note", "expires_in"]))]
pub(crate) struct Update {
    /// Key ID or its beginning, as printed by `honeyhive auth keys list`
    id: String,
    /// New name of the key
    #[arg(long, value_parser = args::name)]
    name: Option<String>,
    /// New note about the key, on a single line
    #[arg(long, value_name = "TEXT", conflicts_with = "no_note", value_parser = args::name)]
    note: Option<String>,
    /// Remove the note
    #[arg(long)]
    no_note: bool,
    /// New lifetime from now, e.g. 30d, which must end before the current one
    #[arg(long, value_name = "DURATION", allow_hyphen_values = true)]
    expires_in: Option<String>,
}

pub(super) fn run(context: &Context, arguments: Update) -> Result<(), CliError> {
    let expires_at = arguments.expires_in.as_deref().map(expiry).transpose()?;
    let client = context.client(None)?;
    let id = find_id(context, client, &arguments.id)?;
    let note = match arguments.note {
        Some(note) => Change::Set(note),
        None if arguments.no_note => Change::Remove,
        None => Change::Keep,
    };
    let update = UpdateKey {
        id,
        name: arguments.name,
        note,
        expires_at,
    };
    let key = context.block_on(client.update_key(&update))?;
    context.success(&format!("Updated key {} ({})", key.id, key.name));
    context
        .printer()
        .object(&key, |screen| table::lines(&key, screen))
}
