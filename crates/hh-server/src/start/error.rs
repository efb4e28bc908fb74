//! The error of a server that cannot start.

use hh_text::Diagnostic;

/// The kind of a [`StartError`], which says what the caller can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StartErrorKind {
    /// The address cannot be bound: choose another.
    Address,
    /// The data directory cannot be used: repair it or choose another.
    DataDir,
    /// A file in the data directory is damaged, missing or from a newer version: restore it.
    Damaged,
    /// A setting, such as the name of the organization, is invalid: correct it.
    Invalid,
    /// The file for the admin key cannot be written: choose another.
    AdminKeyFile,
    /// The operating system or the server failed.
    Internal,
}

/// An error that prevents a server from starting: a message and a hint of one line each.
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

    /// Returns the message, which says what failed. `Display` writes the same text.
    #[must_use]
    pub fn message(&self) -> &str {
        self.diagnostic.message()
    }

    /// Returns message and hint as one line, for output that has a single line.
    #[must_use]
    pub fn to_line(&self) -> String {
        self.diagnostic.to_line()
    }

    /// Returns the hint, which says how to solve the problem, if there is one.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        self.diagnostic.hint()
    }

    /// Returns the kind, which says what the caller can do.
    #[must_use]
    pub fn kind(&self) -> StartErrorKind {
        self.kind
    }
}
