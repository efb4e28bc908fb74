//! Creates the organization and its first admin key at the first start.

use std::fmt::Display;
use std::fs;
use std::path::{Path, PathBuf};

use hh_auth::private_file::{Replace, write_private};
use hh_auth::{ApiKey, Grant, Level, Pepper, Projects, mint};
use hh_text::Diagnostic;
use jiff::Timestamp;
use zeroize::Zeroizing;

use super::files::{self, OtherUsers};
use super::{StartError, StartErrorKind};
use crate::config::ServerSettings;
use crate::store::{NewKey, Store, StoreError};

/// The admin key of a first start.
#[derive(Debug)]
#[non_exhaustive]
pub enum FirstKey {
    /// The key itself, to be printed once. Its text is not stored anywhere.
    Show {
        /// The API key.
        key: ApiKey,
        /// The e-mail address of the owner of the key.
        admin: String,
    },
    /// A file that contains the key.
    InFile {
        /// The path of the file.
        path: PathBuf,
        /// The e-mail address of the owner of the key.
        admin: String,
    },
}

/// Creates the organization and the first admin key, and writes the key to a file if the settings name one.
pub(super) fn first_start(
    store: &Store,
    pepper: &Pepper,
    settings: ServerSettings,
) -> Result<FirstKey, StartError> {
    let internal = |error: String| StartError::new(StartErrorKind::Internal, error);
    let minted = mint(Level::Admin).map_err(|error| internal(error.to_string()))?;
    let digest = pepper.digest(&minted.key);
    let failed = |error: StoreError| {
        let message = format!("cannot create the first key: {error}");
        StartError::new(StartErrorKind::DataDir, message)
    };
    // The file is written before the key is stored, so that no key can be lost. A start that is interrupted in between
    // leaves a file whose key is not stored; the next start deletes it.
    if let Some(path) = &settings.admin_key_file {
        delete_unused(store, pepper, path);
        store.announce_key(&digest).map_err(failed)?;
        write_key(path, &minted.key)?;
    }
    let first = NewKey {
        id: minted.id,
        digest,
        shown: minted.key.redacted(),
        name: "first admin key".to_owned(),
        note: None,
        owner: settings.admin.clone(),
        grant: Grant {
            level: Level::Admin,
            projects: Projects::All,
            expires: None,
        },
        created: Timestamp::now(),
        family: None,
    };
    if let Err(error) = store.first_start(settings.organization, first) {
        if let Some(path) = &settings.admin_key_file {
            drop(fs::remove_file(path));
        }
        return Err(failed(error));
    }
    Ok(match settings.admin_key_file {
        Some(path) => FirstKey::InFile {
            path,
            admin: settings.admin,
        },
        None => FirstKey::Show {
            key: minted.key,
            admin: settings.admin,
        },
    })
}

/// The maximum size of a key file, in bytes. It contains one key and a line break.
const MAX_KEY_FILE: u64 = 1024;

/// Deletes the key file of a first start that was interrupted before it stored the key. Any other file remains.
fn delete_unused(store: &Store, pepper: &Pepper, path: &Path) {
    let Ok(Some(bytes)) = files::read(path, OtherUsers::Nothing, MAX_KEY_FILE) else {
        return;
    };
    let key = std::str::from_utf8(&bytes).ok();
    let key = key.and_then(|text| ApiKey::parse(text).ok());
    if key.is_some_and(|key| store.has_announced(&pepper.digest(&key))) {
        // If the deletion fails, writing the new file fails too and reports the reason.
        drop(fs::remove_file(path));
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "--admin-key-file requests the key in a file that the user chooses, with mode 0600"
)]
fn write_key(path: &Path, key: &ApiKey) -> Result<(), StartError> {
    use secrecy::ExposeSecret as _;

    let line = Zeroizing::new(format!("{}\n", key.secret().expose_secret()));
    // A file that already exists cannot contain a key of this server, because the server has no keys yet.
    write_private(path, line.as_bytes(), Replace::No).map_err(|error| cannot_write(path, &error))
}

/// Checks the path of the key file before a data directory is created.
pub(super) fn check_new(path: &Path) -> Result<(), StartError> {
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty());
    if path.symlink_metadata().is_ok() {
        return Err(cannot_write(path, &"the file already exists"));
    }
    if dir.is_some_and(|dir| !dir.is_dir()) {
        return Err(cannot_write(path, &"the directory does not exist"));
    }
    Ok(())
}

fn cannot_write(path: &Path, reason: &dyn Display) -> StartError {
    StartError::new(
        StartErrorKind::AdminKeyFile,
        Diagnostic::new(format!(
            "cannot write the admin key to {}: {reason}",
            path.display(),
        ))
        .with_hint("specify a new file in an existing directory with --admin-key-file"),
    )
}
