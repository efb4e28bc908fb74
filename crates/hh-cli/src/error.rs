//! Failures as people see them: one line with what failed and what to do next.

use std::fmt;
use std::io;

use hh_sdk::ErrorKind;

use crate::exit::Exit;

/// A failed command.
#[derive(Debug)]
pub(crate) struct CliError {
    exit: Exit,
    message: String,
    hint: Option<&'static str>,
}

impl CliError {
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self {
            exit,
            message: message.into(),
            hint: None,
        }
    }

    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    pub(crate) fn exit(&self) -> Exit {
        self.exit
    }
}

impl fmt::Display for CliError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)?;
        match self.hint {
            Some(hint) => write!(formatter, "; {hint}"),
            None => Ok(()),
        }
    }
}

impl From<hh_sdk::Error> for CliError {
    fn from(error: hh_sdk::Error) -> Self {
        let (exit, hint) = match error.kind() {
            ErrorKind::MissingKey => (
                Exit::Auth,
                Some(
                    "run `honeyhive auth login`, or set HH_API_KEY (HoneyHive makes keys in its dashboard under Settings > API Keys, a local server at its first start)",
                ),
            ),
            ErrorKind::MalformedKey => (Exit::Auth, Some("copy the key again")),
            ErrorKind::Unauthenticated => (
                Exit::Auth,
                Some(
                    "`honeyhive config list` shows where the key and the server's address came from",
                ),
            ),
            ErrorKind::PermissionDenied => (
                Exit::Permission,
                Some("see `honeyhive auth whoami` for what the key may do"),
            ),
            ErrorKind::Unreachable => (
                Exit::Network,
                Some(
                    "start the server, or correct base_url: `honeyhive config list` shows where it came from",
                ),
            ),
            ErrorKind::NotFound
            | ErrorKind::RateLimited
            | ErrorKind::Tls
            | ErrorKind::Timeout
            | ErrorKind::Unavailable
            | ErrorKind::Dropped => (Exit::Network, None),
            ErrorKind::Config | ErrorKind::Invalid => (Exit::Config, None),
            ErrorKind::TooLarge => (Exit::Config, Some("for a list, set a smaller --limit")),
            ErrorKind::Conflict | ErrorKind::TestMode | ErrorKind::Other | _ => (Exit::Other, None),
        };
        Self {
            exit,
            message: error.to_string(),
            hint,
        }
    }
}

impl From<hh_sdk::auth::StoreError> for CliError {
    fn from(error: hh_sdk::auth::StoreError) -> Self {
        Self::new(Exit::Config, error.to_string())
    }
}

/// Failures of writing the output.
impl From<io::Error> for CliError {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            Self::new(Exit::BrokenPipe, "the reader of the output has gone")
        } else {
            Self::new(Exit::Other, format!("cannot write the output: {error}"))
        }
    }
}

impl From<serde_json::Error> for CliError {
    fn from(error: serde_json::Error) -> Self {
        Self::from(io::Error::from(error))
    }
}
