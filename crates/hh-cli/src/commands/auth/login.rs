//! Implements `honeyhive auth login`.

mod key;
mod storage;

use clap::Args;
use hh_sdk::auth::{Created, FileStore, Profile, ProfileEntry, Profiles, Storage, StoreErrorKind};
use hh_sdk::config::{Location, Origin, names};
use hh_sdk::tooling::Layers;
use hh_sdk::{Credential, HoneyHive, Identity, SecurityEvent, SecurityEventKind};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use self::storage::StorageChoice;
use super::list::ProfileRow;
use super::only_copy;
use crate::context::{Context, Direct};
use crate::error::CliError;
/// The name of the profile when none is selected.
const USUAL_PROFILE: &str = "default";

#[derive(Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each field is a separate flag"
)]
pub(crate) struct Arguments {
    /// Read the API key from standard input
    #[arg(long)]
    api_key_stdin: bool,
    /// Verify the key without saving it
    #[arg(long)]
    no_save: bool,
    /// Save the key (the default)
    #[arg(long, conflicts_with = "no_save")]
    save: bool,
    /// Where to store the key; `auto` uses the system keyring if available, otherwise a file
    #[arg(long, value_name = "STORAGE", conflicts_with = "no_save")]
    storage: Option<StorageChoice>,
    /// Creation date of the key if the server does not report it, e.g. `2026-01-31`
    #[arg(long, value_name = "DATE", value_parser = day)]
    created: Option<Timestamp>,
    /// Replace an admin key without confirmation, even if no other copy of it is known
    #[arg(long, short, conflicts_with = "no_save")]
    yes: bool,
}

pub(super) fn run(context: &Context, arguments: &Arguments) -> Result<(), CliError> {
    if arguments.api_key_stdin && context.global().api_key.is_some() {
        return Err(CliError::usage(
            "the argument '--api-key-stdin' cannot be used with '--api-key <KEY>'",
        )
        .with_hint("run `honeyhive auth login --help`"));
    }
    let named = context.profile_name();
    let store = open_store(context, named.as_deref())?;
    let profiles = profiles(context)?;
    if arguments.created.is_some_and(|day| day > Timestamp::now()) {
        return Err(CliError::usage(
            "invalid value for --created: the date is in the future",
        ));
    }
    let security = context.security_log()?;
    let storage = if arguments.no_save {
        StorageChoice::File
    } else {
        StorageChoice::find(context, arguments.storage)?
    };
    if !arguments.no_save {
        // The key is not sent if it could not be saved.
        store.check_writable()?;
    }
    let client = client(context, arguments.api_key_stdin, profiles)?;
    let Some(credential) = client.credential() else {
        return Err(
            CliError::usage("cannot verify a key in test mode").with_hint("set HH_TEST_MODE=false")
        );
    };
    let name = profile_of(&client, named.as_deref());
    let old = profiles.and_then(|all| all.entry(Some(&name))).cloned();
    if let Some(old) = &old
        && named.is_none()
        && !arguments.no_save
    {
        check_replaced(old, &client)?;
    }
    let identity = context.block_on(client.whoami())?;
    let who = match &identity {
        Identity::Known(me) => format!("as {} ({})", me.principal.name, me.permissions),
        Identity::Unknown | _ => "(identity not reported by this server)".to_owned(),
    };
    let done = format!("Logged in to {} {who}", client.settings().base_url.value);
    if arguments.no_save {
        context.success(&done);
        return Ok(());
    }
    let base_url = client.settings().base_url.value.as_str();
    let storage = storage.choose(context, store);
    // A keyring that did not respond is not queried again.
    let can_ask = |old: &ProfileEntry| old.storage == Storage::File || storage == Storage::Keyring;
    let before = old.as_ref().and_then(ProfileEntry::redacted);
    let old = old.filter(|old| can_ask(old) && is_same_key(old, &credential));
    let first_seen = old
        .as_ref()
        .map_or_else(Timestamp::now, |old| old.first_seen);
    let mut details = identity.details();
    // The server's value takes precedence over --created, which takes precedence over the previous login.
    details.created = details
        .created
        .or(arguments.created.map(Created::Stated))
        .or(old.as_ref().and_then(|old| old.details.created));
    let profile = Profile::new(&name, base_url, credential.key.clone(), first_seen)
        .with_storage(storage)
        .with_details(details);
    let event = SecurityEvent::new(SecurityEventKind::Login)
        .with_credential(&credential)
        .with_key_id(profile.details.id.clone())
        .with_detail(format!("profile {name}, stored in {storage}"));
    let replaced = before.filter(|_| old.is_none());
    if replaced.is_some() && !arguments.yes {
        only_copy::confirm(context, |entry| entry.name == name)?;
    }
    context.success(&done);
    let saved = ProfileRow::of_login(&profile);
    save(context, store, profile, replaced.as_deref())?;
    security.record(&event);
    context.printer().data(&saved)
}

/// Creates the client that verifies the key.
fn client(
    context: &Context,
    from_stdin: bool,
    profiles: Option<&Profiles>,
) -> Result<HoneyHive, CliError> {
    let direct: Vec<Direct> = if let Some(key) = &context.global().api_key {
        key::check_given(key, "--api-key is empty; nothing was changed")?;
        context.warn_of_visible_key();
        context.key_of_command_line()
    } else {
        let stack = match profiles {
            Some(_) => context.layers().stack,
            None => context.stack_with(Vec::new()),
        };
        // An invalid URL is an error before the user types a key.
        let server = stack.text(names::BASE_URL)?;
        let server = server.map_or_else(|| "HoneyHive".to_owned(), |found| found.value);
        let (key, place) = key::read(context, from_stdin, &server)?;
        vec![(names::API_KEY, key, place.to_owned())]
    };
    let options = context.options_with(&direct);
    let (options, layers) = if profiles.is_some() {
        (options, context.layers_with(direct))
    } else {
        let layers = Layers::without_profile(context.stack_with(direct));
        (options.without_store(), layers)
    };
    context.client_of(&options, &layers.resolve()?)
}

/// Saves the profile and prints where it was saved.
fn save(
    context: &Context,
    store: &FileStore,
    profile: Profile,
    replaced: Option<&str>,
) -> Result<(), CliError> {
    let (shown, name) = (profile.key.redacted(), profile.name.clone());
    let place = match profile.storage {
        Storage::Keyring => "the system keyring".to_owned(),
        Storage::File | _ => store.path().display().to_string(),
    };
    let kept = store.put(profile)?;
    if let Some(kept) = kept {
        context.note(&format!(
            "note: {} was damaged and was renamed to {}; a new file was created",
            store.path().display(),
            kept.display()
        ));
    }
    let replaced = replaced.map_or_else(String::new, |old| format!(", replacing {old}"));
    context.success(&format!(
        "Saved key {shown} in {place} (profile \"{name}\"){replaced}"
    ));
    if let Some(place) = context.other_key() {
        context.note(&format!(
            "note: the key from {place} takes precedence over the saved key; remove it to use the saved key"
        ));
    }
    Ok(())
}

/// Returns the name of the profile to save the key in: the selected profile, the current profile if it determined the
/// server, or the default.
fn profile_of(client: &HoneyHive, named: Option<&str>) -> String {
    let place = client.settings().base_url.provenance.location();
    match (named, place) {
        (Some(name), _) => name.to_owned(),
        (None, Some(Location::Profile(name))) => name.clone(),
        (None, _) => USUAL_PROFILE.to_owned(),
    }
}

/// Returns an error if the profile contains a key for another server.
fn check_replaced(old: &ProfileEntry, client: &HoneyHive) -> Result<(), CliError> {
    let origin = client.settings().base_url.value.origin();
    if Origin::parse(&old.base_url).as_ref() == Ok(origin) {
        return Ok(());
    }
    let name = &old.name;
    Err(CliError::usage(format!(
        "profile \"{name}\" already contains a key for {}",
        old.base_url
    ))
    .with_hint(format!(
        "add --profile NAME to save the new key as another profile, or --profile {name} to replace the existing key"
    )))
}

/// Returns whether the profile contains the key of the credential.
fn is_same_key(old: &ProfileEntry, credential: &Credential) -> bool {
    old.key().is_ok_and(|key| key.is_same(&credential.key))
}

/// Parses a date, which means midnight UTC, or an RFC 3339 timestamp.
fn day(text: &str) -> Result<Timestamp, String> {
    let day = text.parse::<Date>().ok();
    day.and_then(|day| TimeZone::UTC.to_timestamp(day.at(0, 0, 0, 0)).ok())
        .or_else(|| text.parse().ok())
        .ok_or_else(|| "expected a date such as 2026-01-31, or an RFC 3339 timestamp".to_owned())
}

/// Opens the store before the prompt for the key, so that an unusable store is reported first.
fn open_store<'a>(context: &'a Context, named: Option<&str>) -> Result<&'a FileStore, CliError> {
    if named.is_some_and(|name| !Profile::is_valid_name(name)) {
        return Err(CliError::usage(
            "invalid profile name: expected 1 to 64 letters, digits, -, _ or .",
        ));
    }
    let store = context.store()?;
    let is_new = profiles(context)?.is_none_or(|all| all.entry(named).is_none());
    if named.is_some() && is_new && !context.sets_base_url() {
        return Err(CliError::usage("no base URL for the new profile").with_hint("add --base-url"));
    }
    Ok(store)
}

/// Returns the saved profiles, or `None` if the store is damaged. A damaged store is renamed when the login is saved.
fn profiles(context: &Context) -> Result<Option<&Profiles>, CliError> {
    match context.profiles() {
        Ok(profiles) => Ok(Some(profiles)),
        Err(error) if error.kind() == StoreErrorKind::Malformed => Ok(None),
        Err(error) => Err(error.into()),
    }
}
