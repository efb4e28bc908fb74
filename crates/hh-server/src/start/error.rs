//! Why a server does not start.

/// What the caller can do about a [`StartError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StartErrorKind {
    /// The address cannot be bound: choose another.
    Address,
    /// The data directory cannot be used: mend it or choose another.
    DataDir,
    /// A file in the data directory is damaged, missing or from a newer version: restore it.
    Damaged,
    /// The organization's or the admin's name is not one: correct it.
    Invalid,
    /// The file for the admin key cannot be written: choose another.
    AdminKeyFile,
    /// The system failed.
    Internal,
}

/// Why the server did not start, in one line.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct StartError {
    kind: StartErrorKind,
    message: String,
}

impl StartError {
    pub(crate) fn new(kind: StartErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
        }
    }

    /// Returns what the caller can do about it.
    #[must_use]
    pub fn kind(&self) -> StartErrorKind {
        self.kind
    }
}
