//! The error of credential providers.

use std::fmt;

use hh_text::Diagnostic;

/// The kind of an [`AuthError`], by what the caller can do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AuthErrorKind {
    /// No provider has a key. Supply one.
    Missing,
    /// The value of a provider is not an API key, or not one of the expected kind. Copy the key again.
    Malformed,
    /// The program that prints the key failed. Fix the program or the command.
    Command,
    /// The settings or the store of a provider cannot be used. Fix the source that the message names.
    Unusable,
}

/// The error of a credential that cannot be loaded. The message and the hint have one line each and contain no API key.
#[derive(Clone, Debug)]
pub struct AuthError {
    kind: AuthErrorKind,
    diagnostic: Diagnostic,
}

impl AuthError {
    /// Creates an error. The message and the hint must have one line each and must not contain a secret.
    pub fn new(kind: AuthErrorKind, diagnostic: impl Into<Diagnostic>) -> Self {
        Self {
            kind,
            diagnostic: diagnostic.into(),
        }
    }

    /// Returns the kind of error.
    #[must_use]
    pub fn kind(&self) -> AuthErrorKind {
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

impl fmt::Display for AuthError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.message())
    }
}

impl std::error::Error for AuthError {}
