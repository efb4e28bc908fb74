//! Loads the layers of settings, including the stored profile, and resolves them.

use std::path::{Path, PathBuf};

use hh_auth::{FileStore, ProfileEntry, Profiles, Storage, StoreError, StoreErrorKind};
use hh_config::{Env, Layer, Location, Provenance, Settings, Stack, names};

use crate::{Error, ErrorKind, Options, report};

/// All layers of settings, including the stored profile, before values are parsed.
#[derive(Debug)]
#[non_exhaustive]
pub struct Layers {
    /// The layers.
    pub stack: Stack,
    /// The profile in use, if there is one.
    pub profile: Option<ProfileEntry>,
    /// The error of the credential store, if it cannot be used. The stack then has no layer of the profile.
    pub store_error: Option<Error>,
    /// Whether the store has profiles and none of them is in use.
    has_unused_logins: bool,
}

/// The resolved settings and the stored profile.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Resolved {
    /// The settings in effect.
    pub settings: Settings,
    /// All layers, including the stored profile.
    pub stack: Stack,
    /// The profile in use, if there is one.
    pub profile: Option<ProfileEntry>,
    /// Whether the store has profiles and none of them is in use.
    pub(super) has_unused_logins: bool,
}

/// Loads all layers except the stored profile, without parsing values. The function does not read the keyring.
#[must_use]
pub fn load_without_profile(options: &Options) -> Stack {
    Stack::load(&options.env(), options.load_options())
}

/// Loads all layers without parsing values, for programs that show them.
///
/// Errors do not stop the function: the stack and [`Layers::store_error`] contain them.
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
    /// Adds the profile in use to a stack, with the lowest precedence. `profiles` is the store, which was already read.
    ///
    /// If the key of the profile is needed and is in the keyring, the function blocks while it reads the keyring.
    #[must_use]
    pub fn new(stack: Stack, profiles: Result<&Profiles, StoreError>) -> Self {
        let is_set = |name| stack.candidates(name).winner.is_some();
        let has_key = is_set(names::API_KEY) || is_set(names::CREDENTIAL_COMMAND);
        // An error of a store that is not needed does not matter.
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
        // The keyring can block, so it is not read for a key that is not needed (see `docs/design/decisions.md#x4`).
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

    /// Returns the layers of a stack without a stored profile, as if no profile were saved.
    #[must_use]
    pub fn without_profile(stack: Stack) -> Self {
        Self {
            stack,
            profile: None,
            store_error: None,
            has_unused_logins: false,
        }
    }

    /// Parses and validates the values; does not require a key.
    ///
    /// # Errors
    /// The errors of the function [`resolve`].
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

    /// Returns the warnings about the settings, one line each; none if the log level excludes warnings.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        warnings(&self.stack)
    }
}

/// Returns the warnings about the layers of a stack, one line each; none if the log level excludes warnings.
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

/// The result of a lookup in the credential store.
enum StoredProfile {
    /// The profile in use.
    Profile(Box<ProfileEntry>),
    /// The store has profiles, but none is selected.
    Unused,
    /// The store has no profiles.
    None,
}

/// Finds the profile in use.
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
        // The stack reports this problem.
        (None, Some(name)) if hh_auth::check_name(&name.value).is_err() => {
            Ok(StoredProfile::Unused)
        }
        (None, Some(name)) => {
            // The value can be a key that was put into the wrong variable.
            let shown = match name.value.as_str() {
                key if key.starts_with("hh_") => hh_auth::redact(key),
                name => name.to_owned(),
            };
            Err(Error::new(
                ErrorKind::Config,
                format!("profile \"{shown}\" not found ({})", name.provenance),
            )
            .with_hint(format!("run `honeyhive auth login --profile {shown}`")))
        }
        (None, None) if profiles.is_none_or(Profiles::is_empty) => Ok(StoredProfile::None),
        (None, None) => Ok(StoredProfile::Unused),
    }
}

/// Loads and resolves all layers, including the stored profile; does not require a key.
///
/// # Errors
/// `Config` if a setting, a file or the credential store cannot be used. Test mode ignores an unusable store.
pub fn resolve(options: &Options) -> Result<Resolved, Error> {
    layers(options).resolve()
}

/// Resolves a path: relative to the directory of the file that sets it, or else to the working directory.
pub(crate) fn resolve_path(env: &Env, path: &Path, provenance: &Provenance) -> PathBuf {
    let folder = match provenance.location() {
        Some(Location::File { path, .. }) => env.resolve(path).parent().map(PathBuf::from),
        Some(_) | None => None,
    };
    folder.map_or_else(|| env.resolve(path), |folder| folder.join(path))
}
