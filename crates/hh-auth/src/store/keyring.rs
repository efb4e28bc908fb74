//! Keys that the keyring of the system holds. Only an entry that says so, or a probe that is asked for, ever comes here.

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

/// How long a keyring may take. One that is locked asks somebody, who may not be there.
const WITHIN: Duration = Duration::from_secs(3);

/// Tells whether the keyring of the system takes a value, gives it back and lets go of it, within 3 s.
///
/// Nothing less is a proof: a locked keyring answers as if it were empty. The program's own thread does nothing but wait,
/// so it may be one of a runtime only where that may be blocked.
///
/// # Errors
/// `Keyring`, also when this program is built without the feature `keyring`.
pub fn probe_keyring() -> Result<(), StoreError> {
    system::probe(WITHIN).map_err(|why| {
        StoreError::new(
            StoreErrorKind::Keyring,
            format!("the keyring cannot be used: {why}"),
        )
    })
}

impl ProfileEntry {
    /// Returns the key; a key in the keyring is fetched from there, which blocks the thread for up to 3 s.
    ///
    /// # Errors
    /// `Keyring` when the key is in a keyring that does not hand it out.
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
                format!("the keyring does not hand out the key of profile \"{name}\": {why}"),
                "unlock it and try again, or log in again",
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
                    "the keyring does not take the key of profile \"{name}\": {why}; nothing was changed"
                ),
                "unlock it and try again",
            )
        })
}

/// Deletes the key of an entry, if the keyring holds it; `hint` says what to do if it does not.
pub(super) fn delete(entry: &ProfileEntry, hint: &'static str) -> Result<(), StoreError> {
    delete_within(WITHIN, entry, hint)
}

/// Deletes the keys of all these entries, and waits no longer than for one; the first that is not let go of is told.
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
                    "the keyring does not let go of the key of profile \"{name}\" for {}: {why}",
                    entry.base_url
                ),
                hint,
            )
        })
}

/// Deletes the key of an entry that another one has replaced. The login that did so is done: what the keyring does not let
/// go of is an old key, which it still keeps as well as before.
pub(super) fn forget(old: &ProfileEntry, new: &ProfileEntry) {
    let is_replaced = new.storage == Storage::Keyring
        && account_name(&old.name, &old.base_url) == account_name(&new.name, &new.base_url);
    if !is_replaced {
        drop(delete(old, ""));
    }
}

/// What a key is found under: another server's key of the same profile is another key.
fn account_name(name: &str, base_url: &str) -> Result<String, String> {
    let origin = Origin::parse(base_url).map_err(|error| format!("its base_url {error}"))?;
    Ok(format!("{name}@{origin}"))
}

fn refused(message: String, hint: &'static str) -> StoreError {
    let refused = Diagnostic::new(message).with_hint(hint);
    StoreError::new(StoreErrorKind::Keyring, refused)
}
