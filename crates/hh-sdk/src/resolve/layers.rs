//! The layers of settings with the stored profile among them, and what they come to.

use std::path::{Path, PathBuf};

use hh_auth::{FileStore, ProfileEntry, Profiles, Storage, StoreError, StoreErrorKind};
use hh_config::{Env, Layer, Location, Provenance, Settings, Stack, names};

use crate::{Error, ErrorKind, Options, report};

/// Every layer, the stored profile included, before values are typed.
#[derive(Debug)]
#[non_exhaustive]
pub struct Layers {
    /// The layers.
    pub stack: Stack,
    /// The profile in use, if any.
    pub profile: Option<ProfileEntry>,
    /// Why the credential store could not be used; the stack lacks its layer then.
    pub store_error: Option<Error>,
    has_unused_logins: bool,
}

/// What settings and the credential store say, before anything is sent.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Resolved {
    /// Every setting in effect.
    pub settings: Settings,
    /// Every layer, the stored profile included.
    pub stack: Stack,
    /// The profile in use, if any.
    pub profile: Option<ProfileEntry>,
    /// Whether there are profiles of which none is in use.
    pub(super) has_unused_logins: bool,
}

/// Reads all layers but the stored profile, without typing their values; nothing waits for a keyring.
#[must_use]
pub fn load_without_profile(options: &Options) -> Stack {
    Stack::load(&options.env(), options.load_options())
}

/// Reads all layers without typing their values, for those who show them.
///
/// What is wrong is kept in the stack and beside it.
#[must_use]
pub fn layers(options: &Options) -> Layers {
    let stack = load_without_profile(options);
    if !options.has_store() {
        return Layers::without_profile(stack);
    }
    let profiles = FileStore::of_user(&options.env()).and_then(|store| store.load());
    Layers::new(stack, profiles.as_ref().map_err(Clone::clone))
}

impl Layers {
    /// Adds the profile in use to the layers above it, from a store that was read already.
    ///
    /// Waits for the keyring if the profile's key is there and needed.
    #[must_use]
    pub fn new(stack: Stack, profiles: Result<&Profiles, StoreError>) -> Self {
        let is_set = |name| stack.candidates(name).winner.is_some();
        let has_key = is_set(names::API_KEY) || is_set(names::CREDENTIAL_COMMAND);
        // A store that nothing is needed from may be broken.
        let is_needed = !(has_key && is_set(names::BASE_URL));
        let profile = match stored_profile(&stack, profiles) {
            Ok(StoredProfile::Profile(profile)) => *profile,
            unused => {
                return Self {
                    stack,
                    profile: None,
                    has_unused_logins: matches!(unused, Ok(StoredProfile::Unused)),
                    store_error: unused.err().filter(|_| is_needed),
                };
            }
        };
        let mut layer = vec![(names::BASE_URL, profile.base_url.clone().into())];
        let mut store_error = None;
        let is_test = stack.is_enabled(names::TEST_MODE);
        // Nobody is to wait for a keyring whose key would not be used, and test mode opens no connection
        // (docs/design/decisions.md#x4).
        if profile.storage == Storage::File || !(has_key || is_test) {
            match profile.key() {
                Ok(key) => layer.push((names::API_KEY, key.secret().clone())),
                Err(error) => store_error = Some(error.into()),
            }
        }
        Self {
            stack: stack.with(Layer::stored(&profile.name, layer)),
            profile: Some(profile),
            store_error,
            has_unused_logins: false,
        }
    }

    /// Uses the layers above the stored profile alone, as if no login was saved.
    #[must_use]
    pub fn without_profile(stack: Stack) -> Self {
        Self {
            stack,
            profile: None,
            store_error: None,
            has_unused_logins: false,
        }
    }

    /// Types the values, without asking for a key.
    ///
    /// # Errors
    /// As [`resolve`].
    pub fn resolve(self) -> Result<Resolved, Error> {
        let settings = Settings::from_stack(&self.stack)?;
        if let Some(error) = self.store_error
            && !settings.test_mode.value
        {
            return Err(error);
        }
        Ok(Resolved {
            settings,
            stack: self.stack,
            profile: self.profile,
            has_unused_logins: self.has_unused_logins,
        })
    }

    /// Returns what people should hear, a line each, unless the log level leaves warnings out.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        warnings(&self.stack)
    }
}

/// Returns what people should hear of some layers, a line each, unless the log level leaves warnings out.
#[must_use]
pub fn warnings(stack: &Stack) -> Vec<String> {
    let text = |name| stack.text(name).ok().flatten();
    let level = text(names::LOG_LEVEL).map_or_else(String::new, |found| found.value);
    if stack.is_enabled(names::DEBUG) || report::is_shown(&level.to_ascii_lowercase(), "warning") {
        stack.warnings()
    } else {
        Vec::new()
    }
}

/// What the credential store has.
enum StoredProfile {
    Profile(Box<ProfileEntry>),
    /// Profiles, none of which is asked for or the current one.
    Unused,
    None,
}

fn stored_profile(
    stack: &Stack,
    profiles: Result<&Profiles, StoreError>,
) -> Result<StoredProfile, Error> {
    let wanted = stack.text(names::PROFILE)?;
    let profiles = match profiles {
        Ok(profiles) => Some(profiles),
        Err(error) if error.kind() == StoreErrorKind::NoHome => None,
        Err(error) => return Err(error.into()),
    };
    let name = wanted.as_ref().map(|name| name.value.as_str());
    match (profiles.and_then(|all| all.entry(name)), wanted) {
        (Some(profile), _) => Ok(StoredProfile::Profile(Box::new(profile.clone()))),
        (None, Some(name)) => {
            // A key in the wrong variable is still a key.
            let shown = match name.value.as_str() {
                key if key.starts_with("hh_") => hh_auth::redact(key),
                name => name.to_owned(),
            };
            Err(Error::new(
                ErrorKind::Config,
                format!(
                    "there is no stored profile \"{shown}\" ({})",
                    name.provenance
                ),
            )
            .with_hint(format!("log in with --profile {shown}")))
        }
        (None, None) if profiles.is_none_or(Profiles::is_empty) => Ok(StoredProfile::None),
        (None, None) => Ok(StoredProfile::Unused),
    }
}

/// Loads all layers, the stored profile included, without asking for a key.
///
/// # Errors
/// `Config` for settings or a credential store that cannot be used; in test mode the store is not needed.
pub fn resolve(options: &Options) -> Result<Resolved, Error> {
    layers(options).resolve()
}

/// A path in a file is counted from that file's folder, all others from the working directory.
pub(crate) fn resolve_path(env: &Env, path: &Path, provenance: &Provenance) -> PathBuf {
    let folder = match provenance.location() {
        Some(Location::File { path, .. }) => env.resolve(path).parent().map(PathBuf::from),
        Some(_) | None => None,
    };
    folder.map_or_else(|| env.resolve(path), |folder| folder.join(path))
}
