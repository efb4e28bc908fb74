//! Finds a key by its id or by the beginning of its id, which tables show.

use hh_sdk::HoneyHive;

use crate::context::Context;
use crate::error::CliError;
use crate::exit::Exit;
use crate::prefix;

/// The length of an id, in characters.
const LENGTH: usize = 24;

/// Returns the id of the key that `wanted` names. Requests the list of keys only for a part of an id.
pub(super) fn find_id(
    context: &Context,
    client: &HoneyHive,
    wanted: &str,
) -> Result<String, CliError> {
    if wanted.len() >= LENGTH {
        return Ok(wanted.to_owned());
    }
    let keys = context.block_on(client.list_all_keys())?;
    let ids = keys.iter().map(|key| key.id.as_str());
    let id = prefix::find("key", wanted, ids)?;
    id.map(str::to_owned).ok_or_else(|| {
        let message = format!("no key has an id that begins with {wanted}");
        CliError::new(Exit::Network, message)
            .with_hint("run `honeyhive auth keys list --all` to list all keys")
    })
}
