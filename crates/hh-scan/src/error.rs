//! Defines the error of a scan that cannot start or continue.

use std::fmt;

/// The reason why a repository cannot be scanned: one line that never contains the text of a key.
#[derive(Clone, Debug)]
pub struct ScanError {
    message: String,
}

impl ScanError {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
        }
    }
}

impl fmt::Display for ScanError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for ScanError {}
