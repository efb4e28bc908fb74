//! Converts errors of all crates to the errors that the program prints: a message and a hint.

use std::borrow::Cow;
use std::io;

use hh_sdk::ErrorKind;
use hh_sdk::config::{LoadError, Problem};
use hh_sdk::tooling::KEY_HELP;
use hh_text::Diagnostic;
use serde::Serialize;

use crate::exit::Exit;

/// A failed command.
#[derive(Debug)]
pub(crate) struct CliError {
    exit: Exit,
    /// One diagnostic for each problem; never empty.
    diagnostics: Vec<Diagnostic>,
    response: Option<Box<ResponseDetails>>,
}

/// A failed command as a JSON object on stderr.
#[derive(Serialize)]
pub(crate) struct ErrorReport<'a> {
    kind: &'static str,
    exit_code: u8,
    message: &'a str,
    hint: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
    /// The time to wait before the next attempt, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after: Option<u64>,
    /// All problems, if there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    problems: Option<Vec<ProblemReport<'a>>>,
}

/// One of several problems.
#[derive(Serialize)]
struct ProblemReport<'a> {
    message: &'a str,
    hint: Option<&'a str>,
}

impl<'a> ProblemReport<'a> {
    fn of(diagnostic: &'a Diagnostic) -> Self {
        Self {
            message: diagnostic.message(),
            hint: diagnostic.hint(),
        }
    }
}

/// The details of the server's response.
#[derive(Debug)]
struct ResponseDetails {
    status: u16,
    request_id: Option<String>,
    retry_after: Option<u64>,
}

impl CliError {
    /// Creates an error with an exit code and one diagnostic.
    pub(crate) fn new(exit: Exit, diagnostic: impl Into<Diagnostic>) -> Self {
        Self {
            exit,
            diagnostics: vec![diagnostic.into()],
            response: None,
        }
    }

    /// Returns an error with all diagnostics, or `Ok` if the list is empty.
    pub(crate) fn of_all(exit: Exit, diagnostics: Vec<Diagnostic>) -> Result<(), Self> {
        if diagnostics.is_empty() {
            return Ok(());
        }
        Err(Self {
            exit,
            diagnostics,
            response: None,
        })
    }

    /// Creates an error with the exit code of usage errors.
    pub(crate) fn usage(diagnostic: impl Into<Diagnostic>) -> Self {
        Self::new(Exit::Usage, diagnostic)
    }

    /// Sets the hint that explains how to supply a key.
    pub(crate) fn with_key_help(self) -> Self {
        self.with_hint(KEY_HELP)
    }

    /// Sets the hint of the last diagnostic.
    pub(crate) fn with_hint(mut self, hint: impl Into<Cow<'static, str>>) -> Self {
        if let Some(last) = self.diagnostics.pop() {
            self.diagnostics.push(last.with_hint(hint));
        }
        self
    }

    /// Returns the status of the server's response, if there was one.
    pub(crate) fn status(&self) -> Option<u16> {
        self.response.as_deref().map(|response| response.status)
    }

    /// Returns the exit code.
    pub(crate) fn exit(&self) -> Exit {
        self.exit
    }

    /// Returns all diagnostics, at least one.
    pub(crate) fn diagnostics(&self) -> &[Diagnostic] {
        &self.diagnostics
    }

    /// Returns the error in the form that is printed as JSON.
    pub(crate) fn report(&self) -> ErrorReport<'_> {
        let response = self.response.as_deref();
        let several = (self.diagnostics.len() > 1).then_some(&self.diagnostics);
        ErrorReport {
            kind: self.exit.as_str(),
            exit_code: self.exit as u8,
            message: self.message(),
            hint: self.hint(),
            status: response.map(|response| response.status),
            request_id: response.and_then(|response| response.request_id.as_deref()),
            retry_after: response.and_then(|response| response.retry_after),
            problems: several.map(|all| all.iter().map(ProblemReport::of).collect()),
        }
    }

    /// Returns the message of the first diagnostic.
    pub(crate) fn message(&self) -> &str {
        self.diagnostics.first().map_or("", Diagnostic::message)
    }

    /// Returns the hint of the first diagnostic.
    pub(crate) fn hint(&self) -> Option<&str> {
        self.diagnostics.first()?.hint()
    }
}

/// Creates a diagnostic from the message and the hint of a library error.
pub(crate) fn diagnostic(message: &str, hint: Option<&str>) -> Diagnostic {
    let diagnostic = Diagnostic::new(message.to_owned());
    match hint {
        Some(hint) => diagnostic.with_hint(hint.to_owned()),
        None => diagnostic,
    }
}

/// Creates a diagnostic from a configuration problem.
pub(crate) fn of_problem(problem: &Problem) -> Diagnostic {
    diagnostic(problem.message(), problem.hint())
}

impl From<LoadError> for CliError {
    fn from(error: LoadError) -> Self {
        Self {
            exit: Exit::Config,
            diagnostics: error.problems().map(of_problem).collect(),
            response: None,
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
            ErrorKind::MissingKey => (Exit::Auth, Some(KEY_HELP)),
            ErrorKind::MalformedKey => (Exit::Auth, Some("copy the key again")),
            ErrorKind::Unauthenticated => (
                Exit::Auth,
                Some(
                    "check the key and base_url; `honeyhive config list` shows where they came from",
                ),
            ),
            ErrorKind::PermissionDenied => (
                Exit::Permission,
                Some("run `honeyhive auth whoami` to see the permissions of the key"),
            ),
            ErrorKind::Unreachable => (
                Exit::Network,
                Some(
                    "check the network connection and that the server is running; `honeyhive config list` shows where base_url came from",
                ),
            ),
            ErrorKind::Proxy => (
                Exit::Network,
                Some(
                    "check the proxy settings; `honeyhive config list` shows where proxy_url, https_proxy, all_proxy and no_proxy came from",
                ),
            ),
            ErrorKind::Timeout => (
                Exit::Network,
                Some("check the network connection and firewalls, or increase HH_TIMEOUT"),
            ),
            ErrorKind::NotFound
            | ErrorKind::RateLimited
            | ErrorKind::Tls
            | ErrorKind::Unavailable
            | ErrorKind::Dropped => (Exit::Network, None),
            ErrorKind::Config | ErrorKind::Invalid => (Exit::Config, None),
            ErrorKind::TooLarge => (Exit::Config, Some("use a smaller --limit for lists")),
            ErrorKind::Conflict | ErrorKind::TestMode | ErrorKind::Other | _ => (Exit::Other, None),
        };
        let response = error.status().map(|status| ResponseDetails {
            status,
            request_id: error.request_id().map(str::to_owned),
            retry_after: error.retry_after().map(|wait| wait.as_secs()),
        });
        Self {
            response: response.map(Box::new),
            ..Self::new(exit, diagnostic(error.message(), error.hint().or(hint)))
        }
    }
}

impl From<hh_sdk::auth::StoreError> for CliError {
    fn from(error: hh_sdk::auth::StoreError) -> Self {
        Self::new(Exit::Config, diagnostic(error.message(), error.hint()))
    }
}

/// Converts errors of writing the output.
impl From<io::Error> for CliError {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            Self::new(Exit::BrokenPipe, "broken pipe")
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
