//! Why a server does not start.

use hh_text::Diagnostic;

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

/// Why the server did not start: a message and a hint of one line each.
#[derive(Debug, thiserror::Error)]
#[error("{diagnostic}")]
pub struct StartError {
    kind: StartErrorKind,
    diagnostic: Diagnostic,
}

impl StartError {
    pub(crate) fn new(kind: StartErrorKind, diagnostic: impl Into<Diagnostic>) -> Self {
        Self {
            kind,
            diagnostic: diagnostic.into(),
        }
    }

    /// Returns what failed; the same as `Display`.
    #[must_use]
    pub fn message(&self) -> &str {
        self.diagnostic.message()
    }

    /// Returns message and hint as one line, for where only a line fits.
    #[must_use]
    pub fn to_line(&self) -> String {
        self.diagnostic.to_line()
    }

    /// Returns what to do about it, if that is not plain from the message.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        self.diagnostic.hint()
    }

    /// Returns what the caller can do about it.
    #[must_use]
    pub fn kind(&self) -> StartErrorKind {
        self.kind
    }
}
