//! Chooses the storage for the key of a login (see `docs/design/decisions.md#l3`).

use clap::ValueEnum;
use hh_sdk::auth::{FileStore, Storage, probe_keyring};
use hh_sdk::config::names;

use crate::context::Context;
use crate::error::CliError;

/// The storage that was requested.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum StorageChoice {
    Auto,
    Keyring,
    File,
}

impl StorageChoice {
    /// Reads the option or the setting. An unusable keyring is reported before the prompt for the key.
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
                CliError::from(error).with_hint("start or unlock a keyring, or use --storage file")
            })?;
        }
        Ok(wanted)
    }

    /// Returns the storage to use. Prints a note if a file is used because no keyring is available.
    pub(super) fn choose(self, context: &Context, store: &FileStore) -> Storage {
        let Err(error) = (match self {
            Self::File => return Storage::File,
            Self::Keyring => return Storage::Keyring,
            Self::Auto => probe_keyring(),
        }) else {
            return Storage::Keyring;
        };
        context.note(&format!(
            "note: {error}; saving the key in {} as plain text that only you can read",
            store.path().display()
        ));
        Storage::File
    }
}
