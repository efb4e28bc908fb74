//! `honeyhive auth login`

use std::io::{self, IsTerminal as _, Read as _};

use clap::Args;
use hh_sdk::auth::{ApiKey, FileStore, Profile};
use hh_sdk::config::names;
use hh_sdk::{ErrorKind, Identity};
use jiff::Timestamp;
use secrecy::SecretString;

use crate::context::{Context, block_on};
use crate::error::CliError;
use crate::exit::Exit;

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
    // The profile to write need not exist yet, so it must not be looked for.
    let options = if context.global().api_key.is_some() {
        context.options()
    } else {
        let key = read_key(arguments)?;
        context.options_without_key().with(names::API_KEY, key)
    };
    let connected = match hh_sdk::load(&options) {
        Err(error) if error.kind() == ErrorKind::Config && names_new_profile(context) => {
            return Err(CliError::usage(
                "a new profile needs the server it is for: add --base-url",
            ));
        }
        other => other?,
    };
    let client = context.client(options, None)?;
    let Some(credential) = client.credential() else {
        return Err(CliError::usage(
            "test mode opens no connection, so a key cannot be checked; switch it off with HH_TEST_MODE=false",
        ));
    };
    let base_url = &connected.settings.base_url.value;
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
    let store = FileStore::of_user(context.env())?;
    let name = context.global().profile.as_deref().unwrap_or(USUAL_PROFILE);
    let profile = profile(&store, name, base_url.as_str(), credential.key.clone())?;
    store.put(profile.with_details(details.0, details.1))?;
    context.say(&format!(
        "Saved the key {} in {} (profile \"{name}\")",
        credential.key.shown(),
        store.path().display()
    ));
    Ok(())
}

fn names_new_profile(context: &Context) -> bool {
    context.global().profile.is_some() && context.global().base_url.is_none()
}

/// The same key logged in again keeps the time it was first seen.
fn profile(
    store: &FileStore,
    name: &str,
    base_url: &str,
    key: ApiKey,
) -> Result<Profile, CliError> {
    let old = store.get(Some(name))?;
    let first_seen = old
        .filter(|old| old.key.is_same(&key))
        .map_or_else(Timestamp::now, |old| old.first_seen);
    Ok(Profile::new(name, base_url, key, first_seen))
}

fn read_key(arguments: &Arguments) -> Result<SecretString, CliError> {
    let unreadable =
        |error: io::Error| CliError::new(Exit::Other, format!("cannot read the key: {error}"));
    if arguments.api_key_stdin {
        let mut text = String::new();
        // A key is one short line; what is longer is refused as a key later.
        io::stdin()
            .take(4096)
            .read_to_string(&mut text)
            .map_err(unreadable)?;
        return Ok(SecretString::from(text));
    }
    if !io::stdin().is_terminal() {
        return Err(CliError::usage(
            "there is no terminal to ask for the key; pipe it in with --api-key-stdin",
        ));
    }
    rpassword::prompt_password("API key: ")
        .map(SecretString::from)
        .map_err(unreadable)
}
