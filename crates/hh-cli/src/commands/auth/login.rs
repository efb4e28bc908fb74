//! `honeyhive auth login`

use std::io::{self, IsTerminal as _, Read as _};

use clap::Args;
use hh_sdk::Identity;
use hh_sdk::auth::{FileStore, Profile, StoreErrorKind};
use hh_sdk::config::{Location, Origin, names};
use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use zeroize::Zeroizing;

use super::prompt;
use crate::context::{Context, block_on};
use crate::error::CliError;
use crate::exit::Exit;

/// A key is one short line; what is longer is refused as a key later.
const MAX_STDIN: usize = 4096;
/// The profile of those who name none.
const USUAL_PROFILE: &str = "default";

#[derive(Args)]
pub(crate) struct Arguments {
    /// Read the key from standard input
    #[arg(long, conflicts_with = "api_key")]
    api_key_stdin: bool,
    /// Check the key only
    #[arg(long)]
    no_save: bool,
    /// Save the key, which is the default
    #[arg(long, conflicts_with = "no_save")]
    save: bool,
}

pub(super) fn run(context: &Context, arguments: &Arguments) -> Result<(), CliError> {
    let named = context.profile_name();
    let store = open_store(context, named.as_deref())?;
    let options = if let Some(key) = &context.global().api_key {
        check_given(key, "--api-key is empty; nothing was changed")?;
        context.options()
    } else {
        let (key, place) = read_key(context, arguments)?;
        let options = context.options_without_key();
        options.with_place(names::API_KEY, key, place)
    };
    let client = context.client(options, None)?;
    let Some(credential) = client.credential() else {
        return Err(CliError::usage(
            "test mode opens no connection, so a key cannot be checked; switch it off with HH_TEST_MODE=false",
        ));
    };
    let base_url = &client.settings().base_url;
    // A key for the server of the current profile belongs into it, not over the key of another server.
    let current = match base_url.provenance.location() {
        Some(Location::Profile(name)) => Some(name.clone()),
        Some(_) | None => None,
    };
    let is_named = named.is_some();
    let name = named.or(current);
    let name = name.as_deref().unwrap_or(USUAL_PROFILE);
    let base_url = &base_url.value;
    let old = saved(&store, Some(name))?;
    if let Some(old) = &old
        && !is_named
        && !arguments.no_save
        && Origin::parse(&old.base_url).as_ref() != Ok(base_url.origin())
    {
        return Err(CliError::usage(format!(
            "profile \"{name}\" holds the key for {}; to keep it, add --profile NAME, to replace it, --profile {name}",
            old.base_url
        )));
    }
    let identity = block_on(client.whoami())?;
    let (who, details) = match &identity {
        Identity::Known(me) => (
            format!("as {} ({})", me.principal.name, me.permissions),
            (Some(me.key.id.clone()), Some(me.key.level)),
        ),
        Identity::Unknown | _ => (
            "(this server does not tell as whom)".to_owned(),
            (None, None),
        ),
    };
    context.say(&format!("Logged in to {base_url} {who}"));
    if arguments.no_save {
        return Ok(());
    }
    // The same key logged in again keeps the time it was first seen.
    let first_seen = old
        .filter(|old| old.key.is_same(&credential.key))
        .map_or_else(Timestamp::now, |old| old.first_seen);
    let profile = Profile::new(name, base_url.as_str(), credential.key.clone(), first_seen);
    let kept = store.put(profile.with_details(details.0, details.1))?;
    if let Some(kept) = kept {
        context.say(&format!(
            "note: {} was damaged, so it was kept as {} and a new one made",
            store.path().display(),
            kept.display()
        ));
    }
    context.say(&format!(
        "Saved the key {} in {} (profile \"{name}\")",
        credential.key.shown(),
        store.path().display()
    ));
    if let Some(place) = context.other_key() {
        context.say(&format!(
            "note: the key from {place} wins over the saved key; remove it to use this one"
        ));
    }
    Ok(())
}

/// Opens the store before the key is asked for: one that cannot be used is no surprise to be had after that.
fn open_store(context: &Context, named: Option<&str>) -> Result<FileStore, CliError> {
    if named.is_some_and(|name| !Profile::is_valid_name(name)) {
        return Err(CliError::usage(
            "a profile name has 1 to 64 letters, digits, -, _ or .",
        ));
    }
    let store = FileStore::of_user(context.env())?;
    let is_new = saved(&store, named)?.is_none();
    if named.is_some() && is_new && !context.sets_base_url() {
        return Err(CliError::usage(
            "a new profile needs the server it is for: add --base-url",
        ));
    }
    Ok(store)
}

/// The profile of this name, or the current one. A damaged store has none: it is kept aside when the login is saved. Nor
/// has one whose keyring does not hand out the key.
fn saved(store: &FileStore, name: Option<&str>) -> Result<Option<Profile>, CliError> {
    match store.get(name) {
        Err(error)
            if matches!(
                error.kind(),
                StoreErrorKind::Malformed | StoreErrorKind::Keyring
            ) =>
        {
            Ok(None)
        }
        found => Ok(found?),
    }
}

/// Reads the key, and says from where.
fn read_key(
    context: &Context,
    arguments: &Arguments,
) -> Result<(SecretString, &'static str), CliError> {
    if arguments.api_key_stdin {
        let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_STDIN));
        let read = io::stdin().take(MAX_STDIN as u64).read_to_end(&mut bytes);
        read.map_err(|error| CliError::new(Exit::Other, format!("cannot read the key: {error}")))?;
        let text = std::str::from_utf8(&bytes);
        let text = text.map_err(|_| no_key("standard input holds no key: it is not text"))?;
        let key = SecretString::from(text);
        check_given(&key, "standard input holds no key; nothing was changed")?;
        return Ok((key, "standard input"));
    }
    if !io::stdin().is_terminal() {
        return Err(CliError::usage(
            "there is no terminal to ask for the key; pipe it in with --api-key-stdin",
        ));
    }
    let none = "no key was typed; nothing was changed";
    let key = prompt::ask().map_err(|_| {
        // The line of the prompt is still open.
        context.say("");
        no_key(none)
    })?;
    check_given(&key, none)?;
    Ok((key, "the prompt"))
}

/// A blank key would count as not given, and the next source would be used in its place.
#[expect(clippy::disallowed_methods, reason = "only whether there is any text")]
fn check_given(key: &SecretString, message: &str) -> Result<(), CliError> {
    if key.expose_secret().trim().is_empty() {
        return Err(no_key(message));
    }
    Ok(())
}

fn no_key(message: &str) -> CliError {
    CliError::new(Exit::Auth, message)
}
