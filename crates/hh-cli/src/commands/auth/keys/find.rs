//! Finds a key by its id or by the beginning of its id, which tables show.

use hh_sdk::HoneyHive;
use hh_sdk::api::types::Key;

use crate::context::Context;
use crate::error::CliError;
use crate::exit::Exit;

/// The length of an id, in characters.
const LENGTH: usize = 24;
/// The number of ids that an error lists.
const MAX_LISTED: usize = 5;

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
    let is_wanted = |key: &&Key| !wanted.is_empty() && key.id.starts_with(wanted);
    let found: Vec<_> = keys.iter().filter(is_wanted).collect();
    match found.as_slice() {
        [key] => Ok(key.id.clone()),
        [] => Err(CliError::new(
            Exit::Network,
            format!("no key has an id that begins with {wanted}"),
        )
        .with_hint("run `honeyhive auth keys list --all` to list all keys")),
        several => {
            let ids = several.iter().take(MAX_LISTED).map(|key| key.id.as_str());
            let ids = ids.collect::<Vec<_>>().join(", ");
            let message = format!(
                "{} keys have an id that begins with {wanted}",
                several.len()
            );
            Err(CliError::usage(message).with_hint(format!("specify more characters: {ids}")))
        }
    }
}
