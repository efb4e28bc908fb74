//! Where the key of a login is kept (see `docs/design/decisions.md#l3`).

use clap::ValueEnum;
use hh_sdk::auth::{FileStore, Storage, probe_keyring};
use hh_sdk::config::names;

use crate::context::Context;
use crate::error::CliError;

/// Where a key is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum StorageChoice {
    Auto,
    Keyring,
    File,
}

impl StorageChoice {
    /// Reads the setting. A keyring that is asked for and cannot be used is told before the key is asked for.
    pub(super) fn find(context: &Context, flag: Option<Self>) -> Result<Self, CliError> {
        let stack = context.stack();
        let setting = stack.text(names::CREDENTIAL_STORAGE);
        let setting = setting.map_err(hh_sdk::Error::from)?;
        let wanted = flag.unwrap_or(match setting.as_ref().map(|found| found.value.as_str()) {
            Some("file") => Self::File,
            Some("keyring") => Self::Keyring,
            Some(_) | None => Self::Auto,
        });
        if wanted == Self::Keyring && !stack.is_enabled(names::TEST_MODE) {
            probe_keyring().map_err(|error| {
                CliError::from(error).with_hint("unlock or start one, or use --storage file")
            })?;
        }
        Ok(wanted)
    }

    /// Settles where the key goes, and says so where that is a file for want of a keyring.
    pub(super) fn choose(self, context: &Context, store: &FileStore) -> Storage {
        let Err(error) = (match self {
            Self::File => return Storage::File,
            Self::Keyring => return Storage::Keyring,
            Self::Auto => probe_keyring(),
        }) else {
            return Storage::Keyring;
        };
        context.note(&format!(
            "note: {error}; the key goes into {}, in plain text that only you can read",
            store.path().display()
        ));
        Storage::File
    }
}
