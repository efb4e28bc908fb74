//! Resolves the API key from its sources, again whenever it may have changed (see `docs/design/decisions.md#p1`).

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use hh_auth::{
    ApiKey, AuthError, AuthErrorKind, Checksum, Credential, CredentialProvider, KeyError,
    KeyFileWatch, KeyKind, checksum, credential_command,
};
use hh_config::{Env, FileState, Location, Origin, Provenance, Source, Sourced, Via, names};
use secrecy::ExposeSecret as _;
use serde::Deserialize;

use super::layers::{Resolved, resolve, resolve_path};
use crate::error::diagnostic;
use crate::{Error, ErrorKind, Options};

/// The hint for a malformed key.
const COPY_AGAIN: &str = "copy the key again";

/// The role of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KeyRole {
    /// The project key, for all operations.
    Project,
    /// The ingestion key, for sessions and events.
    Ingestion,
}

/// The highest-precedence source of a key.
#[derive(Debug)]
pub(super) enum Resolution {
    /// A key.
    Key(Credential),
    /// The `credential_command` with its arguments.
    Command(Sourced<Vec<String>>),
    /// No source is set.
    Nothing,
}

/// The settings of the command.
#[derive(Deserialize)]
struct Command {
    credential_command: Option<Vec<String>>,
}

impl Resolved {
    /// Finds the key of a role, checks its format and binds it to the origin of the base URL; runs no program.
    pub(super) fn find(&self, slot: KeyRole) -> Result<Resolution, Error> {
        if slot == KeyRole::Project
            && let Some(command) = self.command()?
        {
            return Ok(Resolution::Command(command));
        }
        let found = match slot {
            KeyRole::Project => self.settings.api_key.clone(),
            KeyRole::Ingestion => self.stack.secret(names::INGESTION_API_KEY)?,
        };
        let Some(found) = found else {
            return Ok(Resolution::Nothing);
        };
        let malformed = |what: &str, hint: &'static str| {
            let what = format!("the API key from {} {what}", found.provenance);
            Error::new(ErrorKind::MalformedKey, what).with_hint(hint)
        };
        let key =
            parse(&found.value).map_err(|error| malformed(&error.to_string(), error.hint()))?;
        self.check(slot, &key)
            .map_err(|what| malformed(&what, COPY_AGAIN))?;
        self.bind(key, found.provenance).map(Resolution::Key)
    }

    /// Returns the `credential_command` if it takes precedence over every key.
    fn command(&self) -> Result<Option<Sourced<Vec<String>>>, Error> {
        let Some(found) = self.stack.candidates(names::CREDENTIAL_COMMAND).winner else {
            return Ok(None);
        };
        let provenance = found.provenance().clone();
        let key = self.settings.api_key.as_ref();
        if key.is_some_and(|key| key.provenance.source() >= provenance.source()) {
            return Ok(None);
        }
        let Command { credential_command } = self.stack.extract()?;
        Ok(credential_command.map(|argv| Sourced::new(argv, provenance)))
    }

    /// Returns the directory of the file that sets a value, which is the working directory of its `credential_command`;
    /// `None` if no file sets the value.
    fn folder_of(&self, env: &Env, provenance: &Provenance) -> Option<PathBuf> {
        let Some(Location::File { path, .. }) = provenance.location() else {
            return None;
        };
        let path = env.resolve(path);
        let mut files = self.stack.files().iter();
        // The user trusted the file itself, not a symbolic link to it.
        let is_trusted = files.any(|file| {
            file.state == FileState::Trusted && file.path.as_deref() == Some(path.as_path())
        });
        let path = if is_trusted {
            path.canonicalize().unwrap_or(path)
        } else {
            path
        };
        let folder = path.parent().map(PathBuf::from);
        folder.filter(|folder| !folder.as_os_str().is_empty())
    }

    /// Checks that a key fits its role and, in strict mode, that it has no warning; returns the end of an error
    /// message.
    fn check(&self, slot: KeyRole, key: &ApiKey) -> Result<(), String> {
        if slot == KeyRole::Ingestion && key.kind() != KeyKind::Ingestion {
            return Err(format!(
                "has the wrong kind: ingestion_api_key requires a key that begins with {}",
                KeyKind::Ingestion.prefix()
            ));
        }
        if !self.settings.strict.value || self.settings.test_mode.value {
            return Ok(());
        }
        key.warning().map_or(Ok(()), |what| Err(what.to_string()))
    }

    /// Binds a key to the origin of the base URL.
    fn bind(&self, key: ApiKey, provenance: Provenance) -> Result<Credential, Error> {
        let origin = self.settings.base_url.value.origin().clone();
        let stored = self
            .profile
            .as_ref()
            .filter(|_| provenance.source() == Source::Stored);
        if let Some(profile) = stored
            && Origin::parse(&profile.base_url).as_ref() != Ok(&origin)
        {
            return Err(Error::new(
                ErrorKind::Config,
                format!(
                    "the key of profile \"{}\" is for {}, but requests go to {origin} ({})",
                    profile.name, profile.base_url, self.settings.base_url.provenance
                ),
            )
            .with_hint(format!("log in to {origin} first")));
        }
        self.check_server(&key, &origin, &provenance)?;
        let level = stored.and_then(|profile| profile.details.level);
        Ok(Credential::new(key, origin, provenance).with_level(level))
    }

    /// Rejects a key of a self-hosted server for a server of HoneyHive, which must not receive it (see
    /// `docs/design/decisions.md#w8`). Test mode sends no key.
    fn check_server(
        &self,
        key: &ApiKey,
        origin: &Origin,
        provenance: &Provenance,
    ) -> Result<(), Error> {
        let is_self_hosted = checksum(key) == Checksum::Valid;
        if !is_self_hosted || !origin.is_honeyhive() || self.settings.test_mode.value {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Config,
            format!(
                "the key {} from {provenance} was created by a self-hosted server, but requests go to {origin} ({}); nothing was sent",
                key.redacted(),
                self.settings.base_url.provenance
            ),
        )
        .with_hint("set HH_BASE_URL to the address of the server that created the key"))
    }
}

/// A provider that loads the settings and the credential store on every call except the first, which uses the settings
/// that are already loaded.
#[derive(Debug)]
pub(super) struct SettingsProvider {
    options: Options,
    slot: KeyRole,
    fresh: Mutex<Option<(Resolved, Resolution)>>,
    watch: Mutex<Option<KeyFileWatch>>,
}

impl SettingsProvider {
    /// Creates a provider with the settings that are already loaded.
    pub(super) fn new(
        options: &Options,
        slot: KeyRole,
        fresh: &Resolved,
        found: Resolution,
    ) -> Self {
        Self {
            options: options.clone(),
            slot,
            fresh: Mutex::new(Some((fresh.clone(), found))),
            watch: Mutex::new(None),
        }
    }

    /// Returns the credential in effect; `None` if no source is set.
    pub(super) fn resolve_credential(&self) -> Result<Option<Credential>, Error> {
        let mut fresh = self.fresh.lock().unwrap_or_else(PoisonError::into_inner);
        // A direct parameter never changes.
        if let Some((_, Resolution::Key(credential))) = &*fresh
            && credential.provenance.source() == Source::Direct
            && credential.provenance.via().is_empty()
        {
            return Ok(Some(credential.clone()));
        }
        let fresh = fresh.take();
        let (resolved, found) = if let Some(fresh) = fresh {
            fresh
        } else {
            let resolved = resolve(&self.options)?;
            let found = resolved.find(self.slot)?;
            (resolved, found)
        };
        match found {
            Resolution::Key(credential) => {
                if !self.watch_file_of(&credential.provenance) {
                    return Ok(Some(credential));
                }
                // The file may have changed before the watch began. Later changes are not missed.
                match resolve(&self.options)?.find(self.slot)? {
                    Resolution::Key(again) => Ok(Some(again)),
                    Resolution::Command(_) | Resolution::Nothing => Ok(Some(credential)),
                }
            }
            Resolution::Command(Sourced {
                value, provenance, ..
            }) => {
                let place = provenance.to_string();
                let env = self.options.env();
                let folder = resolved.folder_of(&env, &provenance);
                let (key, expires_at) =
                    credential_command(&value, &env, folder.as_deref(), &place)?;
                let malformed = |what| {
                    let message = format!(
                        "the API key printed by the credential_command from {place} {what}"
                    );
                    Error::new(ErrorKind::MalformedKey, message).with_hint(COPY_AGAIN)
                };
                resolved.check(self.slot, &key).map_err(malformed)?;
                let credential = resolved.bind(key, provenance)?;
                Ok(Some(credential.with_expiry(expires_at)))
            }
            Resolution::Nothing => Ok(None),
        }
    }

    /// Watches the file that the key was read from; returns false if it was not read from a file.
    fn watch_file_of(&self, provenance: &Provenance) -> bool {
        let file = provenance.via().iter().find_map(|via| match via {
            Via::SecretFile(path) => Some(path),
            Via::Substituted(_) | _ => None,
        });
        let path = file.map(|path| resolve_path(&self.options.env(), path, provenance));
        let is_file = path.is_some();
        *self.watch.lock().unwrap_or_else(PoisonError::into_inner) = path.map(KeyFileWatch::new);
        is_file
    }
}

impl CredentialProvider for SettingsProvider {
    fn name(&self) -> &'static str {
        "the settings and the credential store"
    }

    fn load(&self) -> Result<Option<Credential>, AuthError> {
        self.resolve_credential().map_err(|error| {
            let kind = if error.kind() == ErrorKind::MalformedKey {
                AuthErrorKind::Malformed
            } else if error.kind() == ErrorKind::Unauthenticated {
                AuthErrorKind::Command
            } else {
                AuthErrorKind::Unusable
            };
            AuthError::new(kind, diagnostic(&error, error.hint()))
        })
    }

    fn may_have_changed(&self) -> bool {
        let mut watch = self.watch.lock().unwrap_or_else(PoisonError::into_inner);
        watch.as_mut().is_some_and(KeyFileWatch::has_changed)
    }
}

/// Parses an API key.
#[expect(
    clippy::disallowed_methods,
    reason = "parses the setting into an ApiKey, which protects it"
)]
pub(super) fn parse(raw: &secrecy::SecretString) -> Result<ApiKey, KeyError> {
    ApiKey::parse(raw.expose_secret())
}
