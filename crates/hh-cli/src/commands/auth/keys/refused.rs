//! Adds hints to the errors of requests that create or replace a key.

use hh_sdk::api::types::Key;
use hh_sdk::{HoneyHive, Identity};

use crate::context::Context;
use crate::error::CliError;

/// The status of a request for which the key has no permission.
const FORBIDDEN: u16 = 403;
/// The status of a rotation that the state of the key does not allow.
const CONFLICT: u16 = 409;

/// Adds a hint to the error of a request to create a key.
pub(super) fn explain_create(context: &Context, client: &HoneyHive, error: CliError) -> CliError {
    if error.status() != Some(FORBIDDEN) {
        return error;
    }
    match issuing_key(context, client) {
        Some(key) if key.replaced_by.is_some() || key.expires_at.is_some() => {
            let hint = match way_out(&key) {
                Some(hint) => format!("{hint}, or set an earlier end with --expires-in"),
                None => "set an earlier end with --expires-in, or use a key that works longer"
                    .to_owned(),
            };
            error.with_hint(hint)
        }
        _ => error,
    }
}

/// Adds a hint to the error of a request to rotate the key `id`.
pub(super) fn explain(
    context: &Context,
    client: &HoneyHive,
    error: CliError,
    id: &str,
) -> CliError {
    match error.status() {
        Some(CONFLICT) => match context.block_on(client.get_key(id)) {
            Ok(key) => with_hint(error, &key),
            Err(_) => error,
        },
        Some(FORBIDDEN) => match issuing_key(context, client).and_then(|key| way_out(&key)) {
            Some(hint) => error.with_hint(hint),
            None => error,
        },
        _ => error,
    }
}

/// Adds a hint to the error of a rotation that the state of the key does not allow.
pub(crate) fn with_hint(error: CliError, key: &Key) -> CliError {
    let hint = match (&key.replaced_by, &key.replaces) {
        (Some(new), _) => format!("run `honeyhive auth keys rotate {new}` to rotate the new key"),
        (None, Some(old)) => format!(
            "run `honeyhive auth keys show {old}` to see how long the replaced key works, or `honeyhive auth keys revoke {old}` if no program uses it"
        ),
        (None, None) => "run `honeyhive auth keys create` to create a new key".to_owned(),
    };
    error.with_hint(hint)
}

/// Returns the hint for a replaced key.
fn way_out(issuing: &Key) -> Option<String> {
    let new = issuing.replaced_by.as_ref()?;
    Some(format!(
        "use the new key {new} (`honeyhive auth status` shows where the replaced key comes from)"
    ))
}

/// Returns the key that sends the requests, if the server reports it.
fn issuing_key(context: &Context, client: &HoneyHive) -> Option<Key> {
    match context.block_on(client.whoami()) {
        Ok(Identity::Known(me)) => Some(me.key),
        Ok(_) | Err(_) => None,
    }
}
