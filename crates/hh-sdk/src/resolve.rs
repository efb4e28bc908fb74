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
pub use missing::KEY_HELP;
pub(crate) use sender::{Message, Sender};

use crate::{Error, ErrorKind, Options};

/// Returns the project API key in effect as a credential; sends nothing.
///
/// If `credential_command` has the highest precedence, the function runs that program and blocks until it exits.
///
/// # Errors
/// - `MissingKey`: no API key is set.
/// - `MalformedKey`: the API key has an invalid format.
/// - `Unauthenticated`: the `credential_command` failed.
/// - `Config`: a setting, a file or the credential store cannot be used.
pub fn load_credential(options: &Options) -> Result<Credential, Error> {
    resolve(options)?.credential(options)
}

/// Returns the information about the API key in effect that is known without a request, such as its kind, id, level and
/// creation time.
///
/// For a key of a stored profile, this includes what the server reported at the login. For a key from another source,
/// such as `HH_API_KEY`, only the server knows the age and usually the level:
/// [`HoneyHive::key_info`](crate::HoneyHive::key_info) requests them.
///
/// The function can block, like [`load_credential`].
///
/// # Errors
/// The errors of [`load_credential`].
///
/// # Examples
/// ```no_run
/// let info = hh_sdk::get_key_info()?;
/// if let Some(age) = info.age(jiff::Timestamp::now()) {
///     println!("{} is {} days old", info.redacted, age.as_hours() / 24);
/// }
/// # Ok::<(), hh_sdk::Error>(())
/// ```
pub fn get_key_info() -> Result<KeyInfo, Error> {
    get_key_info_with(&Options::new())
}

/// Returns the same as [`get_key_info`], with options that take precedence over every other source.
///
/// # Errors
/// The errors of [`load_credential`].
pub fn get_key_info_with(options: &Options) -> Result<KeyInfo, Error> {
    let resolved = resolve(options)?;
    let credential = resolved.credential(options)?;
    Ok(key_info(&credential, resolved.profile.as_ref()))
}

/// Returns the information that a credential and the stored profile have about a key.
fn key_info(credential: &Credential, profile: Option<&ProfileEntry>) -> KeyInfo {
    let info = KeyInfo::of(credential);
    match profile {
        Some(profile) => info.with_profile(profile, credential),
        None => info,
    }
}

impl Resolved {
    /// Returns the project API key in effect, like [`load_credential`].
    ///
    /// `options` must be the options that these settings were loaded with: if the file that contains the key has
    /// changed in the meantime, the method loads the settings again.
    ///
    /// # Errors
    /// The errors of [`load_credential`].
    pub fn credential(&self, options: &Options) -> Result<Credential, Error> {
        let found = self.find(KeyRole::Project)?;
        let found = chain::SettingsProvider::new(options, KeyRole::Project, self, found)
            .resolve_credential()?;
        found.ok_or_else(|| self.missing_key())
    }

    /// Checks the format of the key in effect, and returns a warning if the key is unusual.
    ///
    /// A missing key is not an error. The method does not run `credential_command`.
    ///
    /// # Errors
    /// `MalformedKey`, or `Config` if a stored key is bound to another origin.
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

    /// Returns the information about the project key in effect.
    ///
    /// Returns `None` if there is no key, or if a `credential_command` must run first.
    ///
    /// # Errors
    /// The errors of [`Resolved::check_key`].
    pub fn key_info(&self) -> Result<Option<KeyInfo>, Error> {
        match self.find(KeyRole::Project)? {
            Resolution::Key(credential) => Ok(Some(key_info(&credential, self.profile.as_ref()))),
            Resolution::Command(_) | Resolution::Nothing => Ok(None),
        }
    }

    /// Returns the keys that are set and have a valid format.
    pub(crate) fn keys(&self) -> Vec<ApiKey> {
        let found = [KeyRole::Project, KeyRole::Ingestion]
            .into_iter()
            .filter_map(|slot| match self.find(slot).ok()? {
                Resolution::Key(credential) => Some(credential.key),
                Resolution::Command(_) | Resolution::Nothing => None,
            });
        found.collect()
    }

    /// Checks the key in test mode, which accepts any `hh_…` and requires none (see `docs/design/decisions.md#k2`).
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

/// Returns the settings in effect for this process, including the stored profile. Secrets are redacted.
///
/// # Errors
/// `Config` if a setting, a file or the credential store cannot be used.
///
/// # Examples
/// ```no_run
/// let config = hh_sdk::get_config()?;
/// println!("{config}");
/// println!("API key source: {}", config.get("api_key_source").unwrap_or("unknown"));
/// # Ok::<(), hh_sdk::Error>(())
/// ```
pub fn get_config() -> Result<Config, Error> {
    get_config_with(&Options::new())
}

/// Returns the same as [`get_config`], with options that take precedence over every other source.
///
/// # Errors
/// The errors of [`get_config`].
pub fn get_config_with(options: &Options) -> Result<Config, Error> {
    let layers = layers(options);
    if let Some(error) = layers.store_error {
        return Err(error);
    }
    Ok(Config::of(&layers.stack, hh_auth::redact)?)
}
