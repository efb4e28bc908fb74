//! Defines the error of a scan that cannot start or continue.

use std::fmt;

use hh_text::Diagnostic;

/// The reason why a repository cannot be scanned, without the text of a key.
#[derive(Clone, Debug)]
pub struct ScanError {
    diagnostic: Diagnostic,
}

impl ScanError {
    pub(crate) fn new(diagnostic: impl Into<Diagnostic>) -> Self {
        Self {
            diagnostic: diagnostic.into(),
        }
    }

    /// Returns the message: what failed.
    #[must_use]
    pub fn message(&self) -> &str {
        self.diagnostic.message()
    }

    /// Returns the hint, if there is one.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        self.diagnostic.hint()
    }
}

impl From<ScanError> for Diagnostic {
    fn from(error: ScanError) -> Self {
        error.diagnostic
    }
}

impl fmt::Display for ScanError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.diagnostic.fmt(formatter)
    }
}

impl std::error::Error for ScanError {}
