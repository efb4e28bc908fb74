//! The error of the credential store.

use hh_text::Diagnostic;

/// The kind of a [`StoreError`], by what the caller can do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreErrorKind {
    /// The location of the file is unknown. Set `HOME`.
    NoHome,
    /// The name is not a valid profile name. Choose another name.
    InvalidName,
    /// The profile does not exist. Choose another name.
    NotFound,
    /// The profile was changed after it was read. Read it again.
    Changed,
    /// The file or its directory is a symbolic link, belongs to another user or is open to other users. Follow the
    /// hint.
    Unsafe,
    /// The file is damaged. Log in again, which renames the damaged file.
    Malformed,
    /// A newer version wrote the file. Update this program.
    Newer,
    /// Another process holds the lock. Try again.
    Locked,
    /// The keyring does not return or store the key. Unlock it, or log in again with the file as storage.
    Keyring,
    /// The change is in effect, but a power loss may undo it. Do not rely on it yet, and try again.
    Unsynced,
    /// The operating system returned an error.
    Io,
}

/// An error of the credential store. The message and the hint have one line each and contain no API key.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{diagnostic}")]
pub struct StoreError {
    kind: StoreErrorKind,
    diagnostic: Diagnostic,
}

impl StoreError {
    pub(super) fn new(kind: StoreErrorKind, diagnostic: impl Into<Diagnostic>) -> Self {
        Self {
            kind,
            // Paths and texts of the keyring are untrusted.
            diagnostic: diagnostic.into().cleaned(),
        }
    }

    /// Returns the kind of error.
    #[must_use]
    pub fn kind(&self) -> StoreErrorKind {
        self.kind
    }

    /// Returns the message. It is the same text as that of `Display`.
    #[must_use]
    pub fn message(&self) -> &str {
        self.diagnostic.message()
    }

    /// Returns the hint, which says what the user can do. It is `None` if the message makes that clear.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        self.diagnostic.hint()
    }
}
