//! Why the store cannot be used.

use hh_text::Diagnostic;

/// What the caller can do about a [`StoreError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreErrorKind {
    /// No place for the file: set `HOME`.
    NoHome,
    /// No profile can have this name: choose another.
    InvalidName,
    /// There is no profile of this name: choose another.
    NotFound,
    /// The profile was changed since it was read: read it again.
    Changed,
    /// The file or its directory is a link, another user's or open to others: mend it as the message says.
    Unsafe,
    /// The file is damaged: log in again, which keeps it under another name.
    Malformed,
    /// A newer program wrote the file: update this one.
    Newer,
    /// Another program holds the lock: try again.
    Locked,
    /// The keyring does not hand out or take the key: unlock it, or log in again with the file as storage.
    Keyring,
    /// The change is made and in effect, but a power loss may undo it: do nothing yet that relies on it, and try again.
    Unsynced,
    /// The system refused.
    Io,
}

/// Why the store cannot be used: a message and a hint of one line each, never a part of its contents.
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
            // Paths, and what the keyring says, come from elsewhere.
            diagnostic: diagnostic.into().cleaned(),
        }
    }

    /// Returns what the caller can do about it.
    #[must_use]
    pub fn kind(&self) -> StoreErrorKind {
        self.kind
    }

    /// Returns what failed; the same as `Display`.
    #[must_use]
    pub fn message(&self) -> &str {
        self.diagnostic.message()
    }

    /// Returns what to do about it, if that is not plain from the message.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        self.diagnostic.hint()
    }
}
