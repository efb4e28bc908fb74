//! The error of loading settings.

use std::fmt;

use hh_text::Diagnostic;

use crate::{Provenance, SettingName};

/// What the caller can do about a [`LoadError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LoadErrorKind {
    /// A value is not of its type, out of its range or cannot be put together: correct it.
    Invalid,
    /// A file cannot be found or read: correct its path or its mode.
    Unreadable,
    /// A file belongs to another user, or other users can change it: run the command that the message names.
    Unsafe,
    /// A file is not valid in its format: correct it.
    Malformed,
    /// A name is not a setting, or two places of one layer contradict each other: remove one.
    Conflict,
    /// A project file sets what only a trusted one may: name the file explicitly or trust it.
    Untrusted,
}

/// One thing that is wrong: a message that names the place, and a hint. Each is one line and never holds a secret.
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
                // Paths, names and values in it come from files and the environment.
                diagnostic: diagnostic.into().cleaned(),
            }),
        }
    }

    pub(crate) fn of(mut self, setting: SettingName, provenance: Provenance) -> Self {
        self.inner.setting = Some(setting);
        self.inner.provenance = Some(provenance);
        self
    }

    pub(crate) fn at(mut self, provenance: Provenance) -> Self {
        self.inner.provenance = Some(provenance);
        self
    }

    /// Returns what the caller can do about it.
    #[must_use]
    pub fn kind(&self) -> LoadErrorKind {
        self.inner.kind
    }

    /// Returns what is wrong; the same as `Display`.
    #[must_use]
    pub fn message(&self) -> &str {
        self.inner.diagnostic.message()
    }

    /// Returns what to do about it, if that is not plain from the message.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        self.inner.diagnostic.hint()
    }

    /// Returns message and hint as one line.
    pub(crate) fn to_line(&self) -> String {
        self.inner.diagnostic.to_line()
    }

    /// Returns the setting that is wrong, if it is one.
    #[must_use]
    pub fn setting(&self) -> Option<SettingName> {
        self.inner.setting
    }

    /// Returns where it is, if it has a place.
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

/// The mistakes of one file: the first of them, and how many more there are, which would bury these.
#[derive(Default)]
pub(crate) struct Problems {
    list: Vec<Problem>,
    more: usize,
}

impl Problems {
    const MOST: usize = 20;

    /// Whether a further one is counted only, so that it need not be made.
    pub(crate) fn is_full(&self) -> bool {
        self.list.len() >= Self::MOST
    }

    pub(crate) fn push(&mut self, problem: Problem) {
        if self.is_full() {
            self.more += 1;
        } else {
            self.list.push(problem);
        }
    }

    /// Counts one that was not made.
    pub(crate) fn count(&mut self) {
        self.more += 1;
    }

    /// Adds those of a part of the file, but for what `keep` takes.
    pub(crate) fn extend_except(
        &mut self,
        part: Self,
        keep: impl Fn(&Problem) -> bool,
    ) -> Vec<Problem> {
        self.more += part.more;
        let (kept, others): (Vec<_>, Vec<_>) = part.list.into_iter().partition(keep);
        for problem in others {
            self.push(problem);
        }
        kept
    }

    /// Returns them, with a last one that says how many more there are in this file.
    pub(crate) fn into_list(mut self, path: &std::path::Path) -> Vec<Problem> {
        if self.more > 0 {
            let message = format!("{}: and {} more", path.display(), self.more);
            let mut problem = Problem::new(LoadErrorKind::Conflict, message);
            // Lists are in the order of places.
            problem.inner.provenance = self.list.last().and_then(Problem::provenance).cloned();
            self.list.push(problem);
        }
        self.list
    }
}

/// Why settings could not be loaded: everything that is wrong, at least one problem.
///
/// `Display` is one line with the messages of all problems, without hints; never a secret.
#[derive(Clone, Debug)]
pub struct LoadError {
    first: Problem,
    more: Vec<Problem>,
}

impl LoadError {
    pub(crate) fn new(kind: LoadErrorKind, diagnostic: impl Into<Diagnostic>) -> Self {
        Problem::new(kind, diagnostic).into()
    }

    /// Joins problems; `None` if there is none.
    #[must_use]
    pub fn of_all(problems: impl IntoIterator<Item = Problem>) -> Option<Self> {
        let mut problems = problems.into_iter();
        let first = problems.next()?;
        let more = problems.collect();
        Some(Self { first, more })
    }

    /// Returns what the caller can do about the first problem.
    #[must_use]
    pub fn kind(&self) -> LoadErrorKind {
        self.first.kind()
    }

    /// Returns the message of the first problem.
    #[must_use]
    pub fn message(&self) -> &str {
        self.first.message()
    }

    /// Returns what to do about the first problem, if that is not plain from its message.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        self.first.hint()
    }

    /// Returns the setting of the first problem, if it is about one.
    #[must_use]
    pub fn setting(&self) -> Option<SettingName> {
        self.first.setting()
    }

    /// Returns where the wrong value of the first problem came from, if it is about one.
    #[must_use]
    pub fn provenance(&self) -> Option<&Provenance> {
        self.first.provenance()
    }

    /// Returns every problem, at least one.
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
