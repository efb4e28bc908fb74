//! `honeyhive auth rotate`: a new key in place of the saved one.
//!
//! A working key is saved at every moment, whatever ends this. The new key is saved before it is first used: that use
//! begins the grace of the old key, which may be none. Until it was used the entry says that the rotation is not finished,
//! and the next run finishes it. A new key that was made but not saved is of no use to anybody, and the next run has the
//! server replace it.

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

use crate::context::{Context, Direct};
use crate::error::CliError;
use crate::exit::Exit;

/// What to do where the server does not do it.
const BY_HAND: &str = "make a new key in its dashboard under Settings > API Keys, log in with it by `honeyhive auth login`, then delete the old key there";
const MAX_GRACE: Duration = Duration::from_hours(7 * 24);

#[derive(Args)]
pub(crate) struct Arguments {
    /// How long the old key works on once the new one is in use: at most 7d
    #[arg(long, value_name = "TIME", default_value = "24h", value_parser = grace)]
    grace: Duration,
}

pub(super) fn run(context: &Context, arguments: &Arguments) -> Result<(), CliError> {
    let store = context.store()?;
    context.warn_of_visible_key();
    let direct = of_one_profile(context)?;
    let options = context.options_with(&direct);
    let client = context.client_of(&options, &context.layers_with(direct).resolve()?)?;
    let (old, name) = stored(client.credential().as_deref())?;
    // Of two at once the second would have replaced what the first has made and not yet saved.
    let _lock = lock(&store.path().with_file_name("rotation")).map_err(|error| {
        let message = format!("another rotation may be under way ({error})");
        CliError::new(Exit::Other, message).with_hint("try again")
    })?;
    // Another one may have finished while this one waited for it.
    let entry = entry_with(store, &name, &old.key)?;
    if entry.details.replaces.is_some() {
        finish(context, &options, store, &entry)?;
        context.note(&format!(
            "Finished the rotation that was begun before: the saved key is {}",
            entry.key()?.redacted()
        ));
        return Ok(());
    }
    let by_hand = || {
        let message = format!("this server does not rotate keys: {BY_HAND}");
        CliError::new(Exit::Other, message)
    };
    let Identity::Known(me) = context.block_on(client.whoami())? else {
        return Err(by_hand());
    };
    let rotated =
        context.block_on(async { Ok(client.rotate_key(&me.key.id, Some(arguments.grace)).await) });
    let created = match rotated? {
        Err(error) if error.kind() == ErrorKind::NotFound => return Err(by_hand()),
        rotated => rotated?,
    };
    // Its connection is not used again.
    drop(client);
    let new = save(store, &entry, &created, &me)?;
    let saved = entry_with(store, &name, &new)?;
    if let Err(error) = finish(context, &options, store, &saved) {
        // Where somebody logged in meanwhile there is nothing to finish or to restore.
        let saved = entry_with(store, &name, &new)?;
        return Err(unfinished(store, &saved, &entry, &old.key, error));
    }
    let old = old.key.redacted();
    context.note(&format!(
        "Saved the new key {} ({}) in place of {old}, {}",
        new.redacted(),
        created.key.id,
        if arguments.grace.is_zero() {
            "which does not work any more".to_owned()
        } else {
            format!("which works for another {:#}", rounded(arguments.grace))
        }
    ));
    Ok(())
}

/// Direct settings that stay with the profile in use, whatever becomes the current one meanwhile.
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

/// The entry of a profile, as long as it holds this key.
fn entry_with(store: &FileStore, name: &str, key: &ApiKey) -> Result<ProfileEntry, CliError> {
    if let Some(entry) = store.entry(Some(name))?
        && entry.key()?.is_same(key)
    {
        return Ok(entry);
    }
    Err(changed())
}

/// Somebody logged in, whose key is not to be lost.
fn changed() -> CliError {
    CliError::new(Exit::Other, "the saved key has changed meanwhile").with_hint("run this again")
}

/// The saved key in use, and the profile that holds it.
fn stored(credential: Option<&Credential>) -> Result<(Credential, String), CliError> {
    let place = credential.map(|found| &found.provenance);
    if let Some(Location::Profile(name)) = place.and_then(Provenance::location)
        && let Some(credential) = credential
    {
        return Ok((credential.clone(), name.clone()));
    }
    let place = place.map_or_else(|| "a program".to_owned(), ToString::to_string);
    Err(CliError::usage(format!(
        "the key in use comes from {place}, which is yours to change"
    ))
    .with_hint("make a new key with `honeyhive auth keys create`, put it there, then end the old one with `honeyhive auth keys revoke`"))
}

/// Saves the new key, which nobody has used yet.
#[expect(
    clippy::disallowed_methods,
    reason = "the text of the new key goes into the store"
)]
fn save(
    store: &FileStore,
    entry: &ProfileEntry,
    created: &CreatedKey,
    me: &Whoami,
) -> Result<ApiKey, CliError> {
    let key = ApiKey::parse(created.secret.expose_secret());
    let key = key.map_err(|error| {
        let message = format!("the new key from the server {error}; the saved key still works");
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
        .with_hint("run this again to finish")),
        Err(error) => {
            let message = format!("{error}; the saved key still works, and its new one is lost");
            let hint = match error.hint() {
                Some(hint) => format!("{hint}, then run this again"),
                None => "run this again".to_owned(),
            };
            Err(CliError::new(Exit::Config, message).with_hint(hint))
        }
    }
}

/// Uses the new key for the first time, and takes it for good.
fn finish(
    context: &Context,
    options: &Options,
    store: &FileStore,
    entry: &ProfileEntry,
) -> Result<(), CliError> {
    let security = context.security_log()?;
    // Read anew: the saved key has changed.
    let client = context.client_of(options, &tooling::resolve(options)?)?;
    let key = entry.key()?;
    let answer = context.block_on(client.whoami());
    // Settings are read anew for every client: what another key was answered tells nothing of this one.
    let credential = client.credential().filter(|used| used.key.is_same(&key));
    let credential = credential.ok_or_else(|| {
        CliError::new(
            Exit::Other,
            "another key than the saved one is in use meanwhile",
        )
        .with_hint("`honeyhive auth status` shows where it comes from")
    })?;
    let identity = answer?;
    let mut details = entry.details.clone();
    let old = details.replaces.take();
    store.replace(entry, profile(entry, key, details, entry.first_seen))?;
    security.record(
        &SecurityEvent::new(SecurityEventKind::Rotation)
            .with_credential(&credential)
            .with_key_id(identity.details().id)
            .with_detail(format!("in place of {}", old.unwrap_or_default())),
    );
    Ok(())
}

/// What to do when the new key could not be used; one that the server does not take gives way to the old one.
fn unfinished(
    store: &FileStore,
    saved: &ProfileEntry,
    before: &ProfileEntry,
    old: &ApiKey,
    error: CliError,
) -> CliError {
    if error.exit() != Exit::Auth {
        return error
            .with_hint("the new key is saved; run `honeyhive auth rotate` again to finish");
    }
    let restored = profile(
        before,
        old.clone(),
        before.details.clone(),
        before.first_seen,
    );
    match store.replace(saved, restored) {
        Ok(()) => error.with_hint("the new key was refused, so the old one is saved again"),
        Err(_) => error.with_hint("the new key was refused; log in again"),
    }
}

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

fn grace(text: &str) -> Result<Duration, String> {
    let span: Option<Span> = text.parse().ok();
    span.and_then(|span| span.to_duration(SpanRelativeTo::days_are_24_hours()).ok())
        .and_then(|span| Duration::try_from(span).ok())
        .filter(|grace| *grace <= MAX_GRACE)
        .ok_or_else(|| "write a time of at most 7 days, such as 24h, 30m or 0s".to_owned())
}

/// Shows as 24h or 1m 30s.
fn rounded(grace: Duration) -> SignedDuration {
    SignedDuration::try_from(grace).unwrap_or_default()
}
