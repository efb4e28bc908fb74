//! Stores keys in the system keyring. Only entries with [`Storage::Keyring`] and [`probe_keyring`] access it.

#[cfg(not(feature = "keyring"))]
#[path = "keyring/unsupported.rs"]
mod system;
#[cfg(feature = "keyring")]
mod system;

use std::time::{Duration, Instant};

use hh_config::Origin;
use hh_text::Diagnostic;

use super::{Profile, ProfileEntry, Storage, StoreError, StoreErrorKind};
use crate::ApiKey;

/// The time limit of a keyring operation. A locked keyring prompts the user, who may be absent.
const WITHIN: Duration = Duration::from_secs(3);

/// Checks that the system keyring can store, return and delete a value, within 3 s.
///
/// A locked keyring behaves like an empty one, so a check that only reads proves nothing. This function blocks the
/// thread and must not be called from an async task.
///
/// # Errors
/// Returns `Keyring` if the check fails, or if this program is built without the feature `keyring`.
pub fn probe_keyring() -> Result<(), StoreError> {
    system::probe(WITHIN).map_err(|why| {
        StoreError::new(
            StoreErrorKind::Keyring,
            format!("the keyring cannot be used: {why}"),
        )
    })
}

impl ProfileEntry {
    /// Returns the key. If the key is in the keyring, this function blocks the thread for up to 3 s.
    ///
    /// # Errors
    /// Returns `Keyring` if the key cannot be read from the keyring.
    pub fn key(&self) -> Result<ApiKey, StoreError> {
        match &self.key {
            Some(key) => Ok(key.clone()),
            None => get(self),
        }
    }
}

fn get(entry: &ProfileEntry) -> Result<ApiKey, StoreError> {
    let name = &entry.name;
    let account = account_name(name, &entry.base_url);
    account
        .and_then(|account| system::get(account, WITHIN))
        .map_err(|why| {
            refused(
                format!("cannot read the key of profile \"{name}\" from the keyring: {why}"),
                "unlock the keyring and try again, or run `honeyhive auth login`",
            )
        })
}

pub(super) fn set(profile: &Profile) -> Result<(), StoreError> {
    let name = &profile.name;
    let account = account_name(name, &profile.base_url);
    account
        .and_then(|account| system::set(account, profile.key.clone(), WITHIN))
        .map_err(|why| {
            refused(
                format!(
                    "cannot save the key of profile \"{name}\" in the keyring: {why}; nothing was changed"
                ),
                "unlock the keyring and try again",
            )
        })
}

/// Deletes the key of an entry from the keyring, if it is there. An error has this `hint`.
pub(super) fn delete(entry: &ProfileEntry, hint: &'static str) -> Result<(), StoreError> {
    delete_within(WITHIN, entry, hint)
}

/// Deletes the keys of several entries from the keyring, all within the time limit of one operation. An error does not
/// stop the other deletions. The first error is returned.
pub(super) fn delete_all(
    entries: impl Iterator<Item = ProfileEntry>,
    hint: &'static str,
) -> Result<(), StoreError> {
    let end = Instant::now() + WITHIN;
    let left = || end.saturating_duration_since(Instant::now());
    let deleted: Vec<_> = entries
        .map(|entry| delete_within(left(), &entry, hint))
        .collect();
    deleted.into_iter().collect()
}

fn delete_within(
    within: Duration,
    entry: &ProfileEntry,
    hint: &'static str,
) -> Result<(), StoreError> {
    if entry.storage != Storage::Keyring {
        return Ok(());
    }
    let name = &entry.name;
    let account = account_name(name, &entry.base_url);
    account
        .and_then(|account| system::delete(account, within))
        .map_err(|why| {
            refused(
                format!(
                    "cannot delete the key of profile \"{name}\" for {} from the keyring: {why}",
                    entry.base_url
                ),
                hint,
            )
        })
}

/// Deletes the key of the entry `old` from the keyring, unless `new` has the same account name. Errors are ignored,
/// because the key is no longer used, and a key that remains is still protected by the keyring.
pub(super) fn forget(old: &ProfileEntry, new: &ProfileEntry) {
    let is_replaced = new.storage == Storage::Keyring
        && account_name(&old.name, &old.base_url) == account_name(&new.name, &new.base_url);
    if !is_replaced {
        drop(delete(old, ""));
    }
}

/// Returns the account name of a key in the keyring. The name contains the origin, because the same profile may have
/// another key for another server.
fn account_name(name: &str, base_url: &str) -> Result<String, String> {
    let origin = Origin::parse(base_url).map_err(|error| format!("invalid base_url: {error}"))?;
    Ok(format!("{name}@{origin}"))
}

fn refused(message: String, hint: &'static str) -> StoreError {
    let refused = Diagnostic::new(message).with_hint(hint);
    StoreError::new(StoreErrorKind::Keyring, refused)
}
