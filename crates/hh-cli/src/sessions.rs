//! Selects a session by the beginning of its id.

use hh_sdk::HoneyHive;
use uuid::Uuid;

use crate::context::{Context, is_part_of_id};
use crate::error::CliError;
use crate::exit::Exit;
use crate::prefix;

/// Checks the id of a session or its beginning.
pub(crate) fn session_id(text: &str) -> Result<String, String> {
    if is_part_of_id(text) {
        return Ok(text.to_ascii_lowercase());
    }
    Err("expected an id of a session, or at least the first 8 characters".to_owned())
}

/// Returns the whole id of the session whose id begins with `part`.
pub(crate) fn whole_id(
    context: &Context,
    client: &HoneyHive,
    part: &str,
) -> Result<String, CliError> {
    if let Ok(id) = part.parse::<Uuid>() {
        return Ok(id.to_string());
    }
    let found = context.block_on(client.find_sessions(part))?.sessions;
    let ids: Vec<_> = found
        .iter()
        .map(|session| session.session_id.to_string())
        .collect();
    let ids: Vec<_> = ids.iter().map(String::as_str).collect();
    let id = prefix::the_only("session", part, &ids)?;
    id.map(str::to_owned)
        .ok_or_else(|| not_found(format!("no session has an id that begins with {part}")))
}

/// Returns the error for a session that does not exist.
pub(crate) fn not_found(message: String) -> CliError {
    CliError::new(Exit::Network, message).with_hint(
        "run `honeyhive session list` to list sessions, or select another project with --project",
    )
}
