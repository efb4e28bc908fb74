//! Asks before a command removes the only known copy of an admin key, which the server cannot print again.

use hh_sdk::auth::{ApiKey, Level, ProfileEntry};
use hh_sdk::config::names;
use secrecy::ExposeSecret as _;

use crate::confirm;
use crate::context::Context;
use crate::error::CliError;
use crate::ui;

/// Returns an error if the command would remove the only known copy of an admin key, and the user does not confirm it.
pub(super) fn confirm(
    context: &Context,
    is_removed: impl Fn(&ProfileEntry) -> bool,
) -> Result<(), CliError> {
    // The command itself reports a damaged store.
    let Ok(profiles) = context.profiles() else {
        return Ok(());
    };
    let (removed, kept): (Vec<_>, Vec<_>) = profiles.iter().partition(|entry| is_removed(entry));
    let lost = removed
        .into_iter()
        .filter(|entry| entry.details.level == Some(Level::Admin))
        .find(|entry| !has_copy(context, entry, &kept));
    let Some(entry) = lost else {
        return Ok(());
    };
    let message = format!(
        "no other copy of the admin key of profile \"{}\" is known, and the server cannot print it again",
        entry.name
    );
    if !confirm::is_possible() {
        let hint = format!(
            "save the key with `honeyhive auth token --profile {} > FILE`, or add --yes to continue without a copy",
            entry.name
        );
        return Err(CliError::usage(message).with_hint(hint));
    }
    ui::print_line(&format!("warning: {message}"));
    confirm::yes(context, "Remove it anyway?")
}

/// Returns whether another source or another profile has the key. A key in a keyring that cannot be read has no copy.
fn has_copy(context: &Context, entry: &ProfileEntry, kept: &[&ProfileEntry]) -> bool {
    let Ok(key) = entry.key() else {
        return false;
    };
    let is_same = |other: &ApiKey| other.is_same(&key);
    kept.iter()
        .any(|other| other.key().is_ok_and(|other| is_same(&other)))
        || other_key(context).is_some_and(|other| is_same(&other))
}

/// Returns the key of the source that takes precedence over the saved keys.
#[expect(
    clippy::disallowed_methods,
    reason = "the setting is parsed as an ApiKey, which protects it"
)]
fn other_key(context: &Context) -> Option<ApiKey> {
    let candidates = context.stack().candidates(names::API_KEY);
    ApiKey::parse(candidates.winner?.raw().ok()?.expose_secret()).ok()
}
