//! The first start: the organization and its first admin key.

use std::fs;
use std::path::{Path, PathBuf};

use hh_auth::fsio::{Replace, write_private};
use hh_auth::{ApiKey, Grant, Level, Pepper, Projects, mint};
use jiff::Timestamp;
use zeroize::Zeroizing;

use super::{StartError, StartErrorKind};
use crate::config::ServerSettings;
use crate::store::{FirstStart, NewKey, Store};

/// The admin key of a first start.
#[derive(Debug)]
#[non_exhaustive]
pub enum FirstKey {
    /// To be shown once; it exists nowhere else.
    Show {
        /// The key.
        key: ApiKey,
        /// Whose it is.
        admin: String,
    },
    /// Written to a file.
    InFile {
        /// The file.
        path: PathBuf,
        /// Whose it is.
        admin: String,
    },
}

pub(super) fn first_start(
    store: &Store,
    pepper: &Pepper,
    settings: ServerSettings,
) -> Result<FirstKey, StartError> {
    let internal = |error: String| StartError::new(StartErrorKind::Internal, error);
    let minted = mint(Level::Admin).map_err(|error| internal(error.to_string()))?;
    if let Some(path) = &settings.admin_key_file {
        write_key(path, &minted.key)?;
    }
    let first = FirstStart {
        organization: settings.organization,
        key: NewKey {
            id: minted.id,
            digest: pepper.digest(&minted.key),
            shown: minted.key.shown(),
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
        },
    };
    if let Err(error) = store.first_start(first) {
        if let Some(path) = &settings.admin_key_file {
            drop(fs::remove_file(path));
        }
        let message = format!("cannot make the first key: {error}");
        return Err(StartError::new(StartErrorKind::DataDir, message));
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

#[expect(
    clippy::disallowed_methods,
    reason = "--admin-key-file asks for the key in a file of the user's choice, written 0600"
)]
fn write_key(path: &Path, key: &ApiKey) -> Result<(), StartError> {
    use secrecy::ExposeSecret as _;

    let line = Zeroizing::new(format!("{}\n", key.secret().expose_secret()));
    write_private(path, line.as_bytes(), Replace::No).map_err(|error| {
        // One that is there is no key of this server, which has none yet.
        StartError::new(
            StartErrorKind::AdminKeyFile,
            format!(
                "cannot write the admin key to {}: {error}; name a new file with --admin-key-file",
                path.display(),
            ),
        )
    })
}
