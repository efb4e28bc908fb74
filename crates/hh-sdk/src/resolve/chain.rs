//! The places a key can come from, walked anew whenever it may have changed (see `docs/design/decisions.md#p1`).

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use hh_auth::{
    ApiKey, AuthError, AuthErrorKind, Credential, CredentialProvider, KeyError, KeyFileWatch,
    KeyKind, credential_command,
};
use hh_config::{Env, FileState, Location, Origin, Provenance, Source, Sourced, Via, names};
use secrecy::ExposeSecret as _;
use serde::Deserialize;

use super::layers::{Resolved, resolve, resolve_path};
use crate::error::diagnostic;
use crate::{Error, ErrorKind, Options};

const COPY_AGAIN: &str = "copy the key again";

/// Which key an operation wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KeyRole {
    /// The project key, for everything.
    Project,
    /// The ingestion key, for sessions and events.
    Ingestion,
}

/// What the highest place that has anything has.
#[derive(Debug)]
pub(super) enum Resolution {
    Key(Credential),
    Command(Sourced<Vec<String>>),
    Nothing,
}

#[derive(Deserialize)]
struct Command {
    credential_command: Option<Vec<String>>,
}

impl Resolved {
    /// Finds the key of a slot, checked for its shape and bound to the origin of the base URL; nothing is run.
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

    /// The command, if it stands above every key.
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

    /// Returns the folder of the file that sets a value, where its `credential_command` starts; `None` if it is no file.
    fn folder_of(&self, env: &Env, provenance: &Provenance) -> Option<PathBuf> {
        let Some(Location::File { path, .. }) = provenance.location() else {
            return None;
        };
        let path = env.resolve(path);
        let mut files = self.stack.files().iter();
        // What was trusted is the file itself, not a link that leads to it.
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

    fn check(&self, slot: KeyRole, key: &ApiKey) -> Result<(), String> {
        if slot == KeyRole::Ingestion && key.kind() != KeyKind::Ingestion {
            return Err(format!(
                "is of another kind: ingestion_api_key takes a key that begins with {}",
                KeyKind::Ingestion.prefix()
            ));
        }
        if !self.settings.strict.value || self.settings.test_mode.value {
            return Ok(());
        }
        key.warning().map_or(Ok(()), |what| Err(what.to_string()))
    }

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
            .with_hint("log in there first"));
        }
        let level = stored.and_then(|profile| profile.details.level);
        Ok(Credential::new(key, origin, provenance).with_level(level))
    }
}

/// Reads settings and store again each time it is asked, but for the first time, when that was just done.
#[derive(Debug)]
pub(super) struct SettingsProvider {
    options: Options,
    slot: KeyRole,
    fresh: Mutex<Option<(Resolved, Resolution)>>,
    watch: Mutex<Option<KeyFileWatch>>,
}

impl SettingsProvider {
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

    pub(super) fn resolve_credential(&self) -> Result<Option<Credential>, Error> {
        let mut fresh = self.fresh.lock().unwrap_or_else(PoisonError::into_inner);
        // A key that is given directly is the same whenever it is read.
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
                // It may have been replaced before it was watched: what is read from here on is not missed.
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
                        "the API key that the credential_command from {place} printed {what}"
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

    /// Watches the file that the key was read from; false if it was none.
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

#[expect(
    clippy::disallowed_methods,
    reason = "the raw setting becomes an ApiKey, which keeps it from here on"
)]
pub(super) fn parse(raw: &secrecy::SecretString) -> Result<ApiKey, KeyError> {
    ApiKey::parse(raw.expose_secret())
}
