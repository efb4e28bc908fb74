//! Defines the errors of loading settings.

use std::fmt;

use hh_text::Diagnostic;

use crate::{Provenance, SettingName};

/// The kind of a [`Problem`], which determines how a user can fix it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LoadErrorKind {
    /// A value has the wrong type, is out of range or cannot be expanded: correct it.
    Invalid,
    /// A file does not exist or cannot be read: correct its path or its permissions.
    Unreadable,
    /// A file belongs to another user, or other users can change it: run the command in the hint.
    Unsafe,
    /// A file has a syntax error: correct it.
    Malformed,
    /// A name is not a setting, or two entries of one source contradict each other: remove one.
    Conflict,
    /// A project file contains a setting that requires trust: trust the file or name it explicitly.
    Untrusted,
}

/// One problem of loading settings: a message that names the location, and a hint.
///
/// Message and hint are one line each and never contain a secret.
#[derive(Clone)]
pub struct Problem {
    inner: Box<Inner>,
}

#[derive(Clone)]
struct Inner {
    kind: LoadErrorKind,
    setting: Option<SettingName>,
    provenance: Option<Provenance>,
    diagnostic: Diagnostic,
}

impl Problem {
    pub(crate) fn new(kind: LoadErrorKind, diagnostic: impl Into<Diagnostic>) -> Self {
        Self {
            inner: Box::new(Inner {
                kind,
                setting: None,
                provenance: None,
                // The message contains untrusted text of files and of the environment.
                diagnostic: diagnostic.into().cleaned(),
            }),
        }
    }

    pub(crate) fn of(mut self, setting: SettingName, provenance: Provenance) -> Self {
        self.inner.setting = Some(setting);
        self.inner.provenance = Some(provenance);
        self
    }

    #[cfg(any(feature = "files", feature = "figment"))]
    pub(crate) fn at(mut self, provenance: Provenance) -> Self {
        self.inner.provenance = Some(provenance);
        self
    }

    /// Returns the kind of the problem.
    #[must_use]
    pub fn kind(&self) -> LoadErrorKind {
        self.inner.kind
    }

    /// Returns the message, which `Display` also writes.
    #[must_use]
    pub fn message(&self) -> &str {
        self.inner.diagnostic.message()
    }

    /// Returns a hint about how to fix the problem, if there is one.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        self.inner.diagnostic.hint()
    }

    /// Returns message and hint as one line.
    #[cfg(any(feature = "files", feature = "figment"))]
    pub(crate) fn to_line(&self) -> String {
        self.inner.diagnostic.to_line()
    }

    /// Returns the setting with the problem, if the problem concerns a setting.
    #[must_use]
    pub fn setting(&self) -> Option<SettingName> {
        self.inner.setting
    }

    /// Returns the provenance of the value with the problem, if it has one.
    #[must_use]
    pub fn provenance(&self) -> Option<&Provenance> {
        self.inner.provenance.as_ref()
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.message())
    }
}

impl fmt::Debug for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Problem")
            .field("kind", &self.inner.kind)
            .field("message", &self.message())
            .field("hint", &self.hint())
            .finish()
    }
}

/// The error of loading settings: all problems, at least one.
///
/// `Display` writes the messages of all problems on one line, without hints. No message contains a secret.
#[derive(Clone, Debug)]
pub struct LoadError {
    first: Problem,
    more: Vec<Problem>,
}

impl LoadError {
    pub(crate) fn new(kind: LoadErrorKind, diagnostic: impl Into<Diagnostic>) -> Self {
        Problem::new(kind, diagnostic).into()
    }

    /// Creates an error from all problems; returns `None` if there are no problems.
    #[must_use]
    pub fn of_all(problems: impl IntoIterator<Item = Problem>) -> Option<Self> {
        let mut problems = problems.into_iter();
        let first = problems.next()?;
        let more = problems.collect();
        Some(Self { first, more })
    }

    /// Returns the kind of the first problem.
    #[must_use]
    pub fn kind(&self) -> LoadErrorKind {
        self.first.kind()
    }

    /// Returns the message of the first problem.
    #[must_use]
    pub fn message(&self) -> &str {
        self.first.message()
    }

    /// Returns the hint of the first problem, if it has one.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        self.first.hint()
    }

    /// Returns the setting of the first problem, if it concerns a setting.
    #[must_use]
    pub fn setting(&self) -> Option<SettingName> {
        self.first.setting()
    }

    /// Returns the provenance of the value with the first problem, if it has one.
    #[must_use]
    pub fn provenance(&self) -> Option<&Provenance> {
        self.first.provenance()
    }

    /// Returns all problems, at least one.
    pub fn problems(&self) -> impl Iterator<Item = &Problem> {
        std::iter::once(&self.first).chain(&self.more)
    }
}

impl From<Problem> for LoadError {
    fn from(problem: Problem) -> Self {
        Self {
            first: problem,
            more: Vec::new(),
        }
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.first.fmt(formatter)?;
        for problem in &self.more {
            write!(formatter, "; also: {problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for LoadError {}
