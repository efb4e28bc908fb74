//! Implements `honeyhive auth rotate`, which replaces the saved key with a new one.
//!
//! The store contains a working key at every moment, even if the program is killed. The new key is saved before its
//! first use, because that use starts the grace period of the old key, which may be zero. Until then the entry is
//! marked as an unfinished rotation, which the next run finishes. If a new key was created but not saved, the next run
//! lets the server replace it.

use std::time::Duration;

use clap::Args;
use hh_sdk::api::types::{CreatedKey, Whoami};
use hh_sdk::auth::private_file::lock;
use hh_sdk::auth::{ApiKey, Created, FileStore, KeyDetails, Profile, ProfileEntry, StoreErrorKind};
use hh_sdk::config::{Location, Provenance, names};
use hh_sdk::tooling;
use hh_sdk::{Credential, ErrorKind, Identity, Options, SecurityEvent, SecurityEventKind};
use jiff::{SignedDuration, Span, SpanRelativeTo, Timestamp};
use secrecy::ExposeSecret as _;

use super::keys::refused;
use crate::context::{Context, Direct};
use crate::error::CliError;
use crate::exit::Exit;

/// The hint for servers that do not support rotation.
const BY_HAND: &str = "create a new key in the dashboard under Settings > API Keys, save it with `honeyhive auth login`, then delete the old key in the dashboard";
/// The longest grace period.
const MAX_GRACE: Duration = Duration::from_hours(7 * 24);

#[derive(Args)]
pub(crate) struct Arguments {
    /// How long the old key keeps working, at most 7d
    #[arg(long, value_name = "DURATION", default_value = "24h", value_parser = grace)]
    grace: Duration,
}

pub(super) fn run(context: &Context, arguments: &Arguments) -> Result<(), CliError> {
    let store = context.store()?;
    context.warn_of_visible_key();
    let direct = of_one_profile(context)?;
    let options = context.options_with(&direct);
    let client = context.client_of(&options, &context.layers_with(direct).resolve()?)?;
    let (old, name) = stored(client.credential().as_deref())?;
    // A second rotation at the same time would replace the key that the first one created but did not save yet.
    let _lock = lock(&store.path().with_file_name("rotation")).map_err(|error| {
        let message = format!("another rotation may be in progress ({error})");
        CliError::new(Exit::Other, message).with_hint("try again later")
    })?;
    // Another rotation may have finished while this one waited for the lock.
    let entry = entry_with(store, &name, &old.key)?;
    if entry.details.replaces.is_some() {
        let identity = finish(context, &options, store, &entry)?;
        context.success(&format!(
            "Finished the interrupted rotation; the saved key is {}",
            entry.key()?.redacted()
        ));
        return match identity {
            Identity::Known(me) => context.printer().data(&me.key),
            Identity::Unknown | _ => Ok(()),
        };
    }
    let by_hand = || {
        CliError::new(Exit::Other, "this server does not support key rotation").with_hint(BY_HAND)
    };
    let Identity::Known(me) = context.block_on(client.whoami())? else {
        return Err(by_hand());
    };
    let rotated =
        context.block_on(async { Ok(client.rotate_key(&me.key.id, Some(arguments.grace)).await) });
    let created = match rotated? {
        Err(error) if error.kind() == ErrorKind::NotFound => return Err(by_hand()),
        Err(error) if error.kind() == ErrorKind::Conflict => {
            return Err(refused::with_hint(error.into(), &me.key));
        }
        rotated => rotated?,
    };
    // Closes the connection, which is not used again.
    drop(client);
    let new = save(store, &entry, &created, &me)?;
    let saved = entry_with(store, &name, &new)?;
    if let Err(error) = finish(context, &options, store, &saved) {
        // If another login replaced the entry, there is nothing to finish or to restore.
        let saved = entry_with(store, &name, &new)?;
        return Err(unfinished(store, &saved, &entry, &old.key, error));
    }
    let old = old.key.redacted();
    context.success(&format!(
        "Replaced key {old} with {} ({}); the old key {}",
        new.redacted(),
        created.key.id,
        if arguments.grace.is_zero() {
            "no longer works".to_owned()
        } else {
            let grace = remaining(arguments.grace, me.key.expires_at);
            format!("works for another {grace:#}")
        }
    ));
    context.printer().data(&created.key)
}

/// Returns direct settings that pin the current profile, which another process may switch during the rotation.
fn of_one_profile(context: &Context) -> Result<Vec<Direct>, CliError> {
    let mut direct = context.key_of_command_line();
    if let (None, Some(name)) = (context.profile_name(), context.profiles()?.current()) {
        direct.push((
            names::PROFILE,
            name.into(),
            "the current profile".to_owned(),
        ));
    }
    Ok(direct)
}

/// Returns the entry of a profile if it still contains this key.
fn entry_with(store: &FileStore, name: &str, key: &ApiKey) -> Result<ProfileEntry, CliError> {
    if let Some(entry) = store.entry(Some(name))?
        && entry.key()?.is_same(key)
    {
        return Ok(entry);
    }
    Err(changed())
}

/// Returns the error for an entry that another login changed. Its key must not be overwritten.
fn changed() -> CliError {
    CliError::new(Exit::Other, "the saved key changed during the rotation")
        .with_hint("run `honeyhive auth rotate` again")
}

/// Returns the active key and the name of its profile, or an error if the key does not come from a profile.
fn stored(credential: Option<&Credential>) -> Result<(Credential, String), CliError> {
    let place = credential.map(|found| &found.provenance);
    if let Some(Location::Profile(name)) = place.and_then(Provenance::location)
        && let Some(credential) = credential
    {
        return Ok((credential.clone(), name.clone()));
    }
    let place = place.map_or_else(|| "a program".to_owned(), ToString::to_string);
    Err(CliError::usage(format!(
        "the active key comes from {place}, not from a saved profile"
    ))
    .with_hint("run `honeyhive auth keys rotate ID` with the ID that `honeyhive auth whoami --jq .key.id` prints, then replace the key where it is configured"))
}

/// Saves the new key, which was not used yet.
#[expect(
    clippy::disallowed_methods,
    reason = "the new key is saved in the store"
)]
fn save(
    store: &FileStore,
    entry: &ProfileEntry,
    created: &CreatedKey,
    me: &Whoami,
) -> Result<ApiKey, CliError> {
    let key = ApiKey::parse(created.secret.expose_secret());
    let key = key.map_err(|error| {
        let message = format!("the new key from the server {error}; the old key still works");
        CliError::new(Exit::Other, message)
    })?;
    let mut details = KeyDetails::default();
    details.id = Some(created.key.id.clone());
    details.level = Some(created.key.level);
    details.owner = Some(created.key.owner.name.clone());
    details.created = Some(Created::Reported(created.key.created_at));
    details.expires_at = created.key.expires_at;
    details.replaces = Some(me.key.id.clone());
    let new = profile(entry, key.clone(), details, Timestamp::now());
    match store.replace(entry, new) {
        Ok(()) => Ok(key),
        Err(error) if error.kind() == StoreErrorKind::Changed => Err(changed()),
        Err(error) if error.kind() == StoreErrorKind::Unsynced => Err(CliError::new(
            Exit::Config,
            format!("{error}; the old key still works"),
        )
        .with_hint("run `honeyhive auth rotate` again to finish")),
        Err(error) => {
            let message = format!("{error}; the new key is lost, but the old key still works");
            let hint = match error.hint() {
                Some(hint) => format!("{hint}, then run `honeyhive auth rotate` again"),
                None => "run `honeyhive auth rotate` again".to_owned(),
            };
            Err(CliError::new(Exit::Config, message).with_hint(hint))
        }
    }
}

/// Uses the new key for the first time and marks the rotation as finished. Returns the identity of the new key.
fn finish(
    context: &Context,
    options: &Options,
    store: &FileStore,
    entry: &ProfileEntry,
) -> Result<Identity, CliError> {
    let security = context.security_log()?;
    // Resolves the settings again, because the saved key changed.
    let client = context.client_of(options, &tooling::resolve(options)?)?;
    let key = entry.key()?;
    let answer = context.block_on(client.whoami());
    // The new client resolves its own settings. A response to another key proves nothing about the saved one.
    let credential = client.credential().filter(|used| used.key.is_same(&key));
    let credential = credential.ok_or_else(|| {
        CliError::new(Exit::Other, "the saved key is no longer the active key")
            .with_hint("run `honeyhive auth status` to see which key is active")
    })?;
    let identity = answer?;
    let mut details = entry.details.clone();
    let old = details.replaces.take();
    store.replace(entry, profile(entry, key, details, entry.first_seen))?;
    security.record(
        &SecurityEvent::new(SecurityEventKind::Rotation)
            .with_credential(&credential)
            .with_key_id(identity.details().id)
            .with_detail(format!("replaces {}", old.unwrap_or_default())),
    );
    Ok(identity)
}

/// Adds a hint to the error of a new key that could not be used. Restores the old key if the server rejected the new
/// one.
fn unfinished(
    store: &FileStore,
    saved: &ProfileEntry,
    before: &ProfileEntry,
    old: &ApiKey,
    error: CliError,
) -> CliError {
    if error.exit() != Exit::Auth {
        return error
            .with_hint("run `honeyhive auth rotate` again to finish; the new key is saved");
    }
    let restored = profile(
        before,
        old.clone(),
        before.details.clone(),
        before.first_seen,
    );
    match store.replace(saved, restored) {
        Ok(()) => error.with_hint("run `honeyhive auth rotate` again; the server rejected the new key, so the old key was restored"),
        Err(_) => error.with_hint("run `honeyhive auth login`; the server rejected the new key, and the old key could not be restored"),
    }
}

/// Creates a profile from an entry with another key.
fn profile(
    entry: &ProfileEntry,
    key: ApiKey,
    details: KeyDetails,
    first_seen: Timestamp,
) -> Profile {
    Profile::new(&entry.name, &entry.base_url, key, first_seen)
        .with_storage(entry.storage)
        .with_details(details)
}

/// Parses a grace period of at most 7 days.
pub(super) fn grace(text: &str) -> Result<Duration, String> {
    let span: Option<Span> = text.parse().ok();
    span.and_then(|span| span.to_duration(SpanRelativeTo::days_are_24_hours()).ok())
        .and_then(|span| Duration::try_from(span).ok())
        .filter(|grace| *grace <= MAX_GRACE)
        .ok_or_else(|| "expected a duration of at most 7 days, such as 24h, 30m or 0s".to_owned())
}

/// Returns how long the old key works: for the grace period, or until it expires, in whole seconds.
fn remaining(grace: Duration, expires: Option<Timestamp>) -> SignedDuration {
    let grace = SignedDuration::try_from(grace).unwrap_or_default();
    let left = expires.map(|end| end.duration_since(Timestamp::now()));
    let left = left.map(|left| SignedDuration::from_secs(left.as_secs().max(0)));
    left.map_or(grace, |left| left.min(grace))
}
