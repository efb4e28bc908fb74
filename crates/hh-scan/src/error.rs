//! The error of a scan that cannot start or go on.

use std::fmt;

/// Why a repository cannot be scanned: one line, never the text of a key.
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
