//! Why no credential could be had.

use std::fmt;

use hh_text::Diagnostic;

/// What the caller can do about an [`AuthError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AuthErrorKind {
    /// No provider has a key: supply one.
    Missing,
    /// What a provider has is no key, or not one of the wanted kind: copy it again.
    Malformed,
    /// The program that prints the key failed: mend it.
    Command,
    /// The settings or the store of a provider cannot be used: mend the place that the message names.
    Unusable,
}

/// Why no credential could be had: a message and a hint of one line each, never a part of a key.
#[derive(Clone, Debug)]
pub struct AuthError {
    kind: AuthErrorKind,
    diagnostic: Diagnostic,
}

impl AuthError {
    /// Creates an error; message and hint are one line each and hold no secret.
    pub fn new(kind: AuthErrorKind, diagnostic: impl Into<Diagnostic>) -> Self {
        Self {
            kind,
            diagnostic: diagnostic.into(),
        }
    }

    /// Returns what the caller can do about it.
    #[must_use]
    pub fn kind(&self) -> AuthErrorKind {
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

impl fmt::Display for AuthError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.message())
    }
}

impl std::error::Error for AuthError {}
