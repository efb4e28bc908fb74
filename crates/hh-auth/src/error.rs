//! Why no credential could be had.

use std::fmt;

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

/// Why no credential could be had: one line, never a part of a key.
#[derive(Clone, Debug)]
pub struct AuthError {
    kind: AuthErrorKind,
    message: String,
}

impl AuthError {
    /// Makes an error; `message` is one line for a person and holds no secret.
    pub fn new(kind: AuthErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
        }
    }

    /// Returns what the caller can do about it.
    #[must_use]
    pub fn kind(&self) -> AuthErrorKind {
        self.kind
    }
}

impl fmt::Display for AuthError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for AuthError {}
