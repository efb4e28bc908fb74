//! Implements `honeyhive auth keys rotate`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::super::rotate::grace;
use super::find::find_id;
use super::refused;
use super::secret::{check_delivery, deliver};
use crate::args;
use crate::context::Context;
use crate::error::CliError;

#[derive(Args)]
pub(crate) struct Rotate {
    /// Key ID or its beginning, as printed by `honeyhive auth keys list`
    id: String,
    /// How long the old key keeps working after the first use of the new one, at most 7d
    #[arg(long, value_name = "DURATION", default_value = "24h", value_parser = grace)]
    grace: Duration,
    /// Write the key to a new file that only you can read, instead of printing it
    #[arg(long, value_name = "FILE", value_parser = args::path)]
    key_file: Option<PathBuf>,
}

pub(super) fn run(context: &Context, arguments: &Rotate) -> Result<(), CliError> {
    check_delivery(context, arguments.key_file.as_deref())?;
    let client = context.client(None)?;
    let id = find_id(context, client, &arguments.id)?;
    let before = context.block_on(client.get_key(&id));
    let created = context.block_on(client.rotate_key(&id, Some(arguments.grace)));
    let created = created.map_err(|error| refused::explain(context, client, error, &id))?;
    // The server rejects the rotation of a key whose replacement was used.
    if let Some(unused) = before.ok().and_then(|key| key.replaced_by) {
        context.note(&format!(
            "note: revoked key {unused}, the unused replacement of an earlier rotation"
        ));
    }
    let line = format!("Created key {} to replace {id}", created.key.id);
    deliver(context, &created, arguments.key_file.as_deref(), &line)
}
