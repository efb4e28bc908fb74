//! Resolves options to settings, the credential and the sender of requests.

mod authorizer;
mod chain;
mod explain;
mod http;
mod layers;
mod missing;
mod sender;

use hh_auth::{ApiKey, Credential, KeyError, KeyInfo, ProfileEntry};
use hh_config::Config;

use chain::{KeyRole, Resolution, parse};
pub use http::probe;
pub(crate) use layers::resolve_path;
pub use layers::{Layers, Resolved, layers, load_without_profile, resolve, warnings};
pub(crate) use sender::{Message, Sender};

use crate::{Error, ErrorKind, Options};

/// Finds the project key in effect, and runs the `credential_command` if that is what stands highest; nothing is sent.
///
/// It may wait for that program: call it where waiting is fine.
///
/// # Errors
/// `MissingKey`, `MalformedKey`, `Unauthenticated` when the program fails, or `Config`.
pub fn load_credential(options: &Options) -> Result<Credential, Error> {
    resolve(options)?.credential(options)
}

/// Returns what is known of the API key in use without asking a server: kind, id, level, age, each with who says so.
///
/// It may wait for a `credential_command`. What a server tells is added by
/// [`KeyInfo::with_details`](hh_auth::KeyInfo::with_details) of [`Identity::details`](crate::Identity::details).
///
/// # Errors
/// As [`load_credential`].
///
/// ```no_run
/// let info = hh_sdk::get_key_info()?;
/// if let Some(age) = info.age(jiff::Timestamp::now()) {
///     println!("{} is {} days old", info.shown, age.as_hours() / 24);
/// }
/// # Ok::<(), hh_sdk::Error>(())
/// ```
pub fn get_key_info() -> Result<KeyInfo, Error> {
    get_key_info_with(&Options::new())
}

/// As [`get_key_info`], with options that win over every other source.
///
/// # Errors
/// As [`load_credential`].
pub fn get_key_info_with(options: &Options) -> Result<KeyInfo, Error> {
    let resolved = resolve(options)?;
    let credential = resolved.credential(options)?;
    Ok(key_info(&credential, resolved.profile.as_ref()))
}

fn key_info(credential: &Credential, profile: Option<&ProfileEntry>) -> KeyInfo {
    let info = KeyInfo::of(credential);
    match profile {
        Some(profile) => info.with_profile(profile, credential),
        None => info,
    }
}

impl Resolved {
    /// Finds the project key in effect, and runs the `credential_command` if that is what stands highest; nothing is
    /// sent. `options` are those that gave these settings: they are read again if a file with the key changes meanwhile.
    ///
    /// # Errors
    /// As [`load_credential`].
    pub fn credential(&self, options: &Options) -> Result<Credential, Error> {
        let found = self.find(KeyRole::Project)?;
        let found = chain::SettingsProvider::new(options, KeyRole::Project, self, found)
            .resolve_credential()?;
        found.ok_or_else(|| self.missing_key())
    }

    /// Checks the shape of the key in effect, as far as it matters; a warning is what is odd about it.
    ///
    /// No key at all is no mistake here, and no program that prints one is run.
    ///
    /// # Errors
    /// `MalformedKey`, or `Config` when a stored key is for another origin.
    pub fn check_key(&self) -> Result<Option<String>, Error> {
        if self.settings.test_mode.value {
            return self.check_test_key().map(|()| None);
        }
        self.find(KeyRole::Ingestion)?;
        match self.find(KeyRole::Project)? {
            Resolution::Key(found) => {
                let place = &found.provenance;
                let warning = found.key.warning();
                Ok(warning.map(|what| format!("the API key from {place} {what}")))
            }
            Resolution::Command(_) | Resolution::Nothing => Ok(None),
        }
    }

    /// Returns what is known of the project key in effect; nothing without one, or if a program has still to print it.
    ///
    /// # Errors
    /// As [`Resolved::check_key`].
    pub fn key_info(&self) -> Result<Option<KeyInfo>, Error> {
        match self.find(KeyRole::Project)? {
            Resolution::Key(credential) => Ok(Some(key_info(&credential, self.profile.as_ref()))),
            Resolution::Command(_) | Resolution::Nothing => Ok(None),
        }
    }

    /// Returns the keys that are set, as far as they are any.
    pub(crate) fn keys(&self) -> Vec<ApiKey> {
        let found = [KeyRole::Project, KeyRole::Ingestion]
            .into_iter()
            .filter_map(|slot| match self.find(slot).ok()? {
                Resolution::Key(credential) => Some(credential.key),
                Resolution::Command(_) | Resolution::Nothing => None,
            });
        found.collect()
    }

    /// Checks a key in test mode, where every `hh_…` will do and none is needed (see `docs/design/decisions.md#k2`).
    pub(crate) fn check_test_key(&self) -> Result<(), Error> {
        let Some(found) = &self.settings.api_key else {
            return Ok(());
        };
        match parse(&found.value) {
            Ok(_) | Err(KeyError::Incomplete { .. } | KeyError::Refused { .. }) => Ok(()),
            Err(error) => {
                let what = format!("the API key from {} {error}", found.provenance);
                Err(Error::new(ErrorKind::MalformedKey, what).with_hint(error.hint()))
            }
        }
    }
}

/// Returns the settings in effect for this process, the stored credential included; secrets are masked.
///
/// # Errors
/// `Config` for settings or a credential store that cannot be used.
///
/// ```no_run
/// let config = hh_sdk::get_config()?;
/// println!("{config}");
/// println!("API key source: {}", config.get("api_key_source").unwrap_or("unknown"));
/// # Ok::<(), hh_sdk::Error>(())
/// ```
pub fn get_config() -> Result<Config, Error> {
    get_config_with(&Options::new())
}

/// As [`get_config`], with options that win over every other source.
///
/// # Errors
/// As [`get_config`].
pub fn get_config_with(options: &Options) -> Result<Config, Error> {
    let layers = layers(options);
    if let Some(error) = layers.store_error {
        return Err(error);
    }
    Ok(Config::of(&layers.stack, hh_auth::redact)?)
}
