//! Failures as people see them: one line with what failed and what to do next.

use std::io;

use hh_sdk::ErrorKind;
use hh_sdk::config::LoadError;

use crate::exit::Exit;

/// The ways to supply a key.
const WAYS: &str = "run `honeyhive auth login`, set HH_API_KEY, or name a configuration file with an api_key (HoneyHive makes keys in its dashboard under Settings > API Keys, a local server at its first start)";

/// A failed command.
#[derive(Debug)]
pub(crate) struct CliError {
    exit: Exit,
    /// One for each mistake, at least one.
    messages: Vec<String>,
    hint: Option<&'static str>,
}

impl CliError {
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self {
            exit,
            messages: vec![message.into()],
            hint: None,
        }
    }

    /// Fails with a line for each mistake, unless there is none.
    pub(crate) fn of_all(exit: Exit, messages: Vec<String>) -> Result<(), Self> {
        if messages.is_empty() {
            return Ok(());
        }
        Err(Self {
            exit,
            messages,
            hint: None,
        })
    }

    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// Adds the ways to supply a key.
    pub(crate) fn with_ways(self) -> Self {
        self.with_hint(WAYS)
    }

    /// Adds what to do next.
    pub(crate) fn with_hint(mut self, hint: &'static str) -> Self {
        self.hint = Some(hint);
        self
    }

    pub(crate) fn exit(&self) -> Exit {
        self.exit
    }

    /// Returns a line for each mistake, the hint behind the last.
    pub(crate) fn messages(&self) -> Vec<String> {
        let mut messages = self.messages.clone();
        if let (Some(hint), Some(last)) = (self.hint, messages.last_mut()) {
            last.push_str("; ");
            last.push_str(hint);
        }
        messages
    }
}

impl From<LoadError> for CliError {
    fn from(error: LoadError) -> Self {
        Self {
            exit: Exit::Config,
            messages: error.problems().map(ToString::to_string).collect(),
            hint: None,
        }
    }
}

impl From<hh_sdk::Error> for CliError {
    fn from(error: hh_sdk::Error) -> Self {
        let source = std::error::Error::source(&error);
        if let Some(error) = source.and_then(|source| source.downcast_ref::<LoadError>()) {
            return error.clone().into();
        }
        let (exit, hint) = match error.kind() {
            ErrorKind::MissingKey => (Exit::Auth, Some(WAYS)),
            ErrorKind::MalformedKey => {
                let says_so = error.to_string().contains("copy it again");
                (Exit::Auth, (!says_so).then_some("copy the key again"))
            }
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
                    "check the connection and that the server runs; `honeyhive config list` shows where base_url came from",
                ),
            ),
            ErrorKind::Proxy => (
                Exit::Network,
                Some(
                    "`honeyhive config list` shows where proxy_url, https_proxy and no_proxy came from",
                ),
            ),
            ErrorKind::Timeout => (
                Exit::Network,
                Some(
                    "check the connection and firewalls in between; HH_TIMEOUT sets how long a call may take",
                ),
            ),
            ErrorKind::NotFound
            | ErrorKind::RateLimited
            | ErrorKind::Tls
            | ErrorKind::Unavailable
            | ErrorKind::Dropped => (Exit::Network, None),
            ErrorKind::Config | ErrorKind::Invalid => (Exit::Config, None),
            ErrorKind::TooLarge => (Exit::Config, Some("for a list, set a smaller --limit")),
            ErrorKind::Conflict | ErrorKind::TestMode | ErrorKind::Other | _ => (Exit::Other, None),
        };
        Self {
            exit,
            messages: vec![error.to_string()],
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
