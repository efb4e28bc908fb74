//! Defines a snapshot of the environment variables and the working directory.
//!
//! No other code reads the process environment.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::layer::is_blank_text;

/// An immutable snapshot of environment variables and the working directory.
///
/// Blank values count as unset. `Debug` prints only names, because values may be secrets.
///
/// Files that the caller names may be named pipes, which can be read only once. Clones of a snapshot share their contents.
#[derive(Clone, Default)]
pub struct Env {
    variables: Arc<BTreeMap<OsString, OsString>>,
    working_dir: Option<PathBuf>,
    system_dir: Option<PathBuf>,
    #[cfg(feature = "files")]
    pipes: crate::named_file::Pipes,
}

impl Env {
    /// Takes a snapshot of the variables and the working directory of this process.
    #[must_use]
    pub fn from_process() -> Self {
        Self {
            variables: Arc::new(std::env::vars_os().collect()),
            working_dir: std::env::current_dir().ok(),
            system_dir: Some(PathBuf::from("/etc/honeyhive")),
            #[cfg(feature = "files")]
            pipes: crate::named_file::Pipes::default(),
        }
    }

    /// Creates a snapshot from pairs, for tests and for programs with settings of their own.
    ///
    /// It has no working directory and no system directory, so that no project file and no system file is read.
    #[must_use]
    pub fn from_pairs<K, V>(pairs: impl IntoIterator<Item = (K, V)>) -> Self
    where
        K: Into<OsString>,
        V: Into<OsString>,
    {
        let pairs = pairs.into_iter();
        let pairs = pairs.map(|(name, value)| (name.into(), value.into()));
        Self {
            variables: Arc::new(pairs.collect()),
            ..Self::default()
        }
    }

    /// Sets the working directory, in which the project file is searched for and against which relative paths are
    /// resolved.
    #[must_use]
    pub fn with_working_dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.working_dir = Some(dir.into());
        self
    }

    /// Sets the directory of the system configuration file. [`from_process`](Self::from_process) sets
    /// `/etc/honeyhive`.
    #[must_use]
    pub fn with_system_dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.system_dir = Some(dir.into());
        self
    }

    /// Shares the contents of named pipes with another snapshot, so that each is read once for both.
    #[cfg(feature = "files")]
    #[must_use]
    pub fn with_pipes_of(mut self, other: &Self) -> Self {
        self.pipes = other.pipes.clone();
        self
    }

    #[cfg(feature = "files")]
    pub(crate) fn pipes(&self) -> &crate::named_file::Pipes {
        &self.pipes
    }

    /// Returns the raw value of a variable, unless it is unset or blank.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&OsStr> {
        self.raw(name).filter(|value| !is_blank(value))
    }

    /// Returns the raw value of a variable, which may be blank.
    pub(crate) fn raw(&self, name: &str) -> Option<&OsStr> {
        self.variables
            .get(OsStr::new(name))
            .map(OsString::as_os_str)
    }

    /// Returns a variable as a path, unless it is unset or blank.
    #[must_use]
    pub fn path(&self, name: &str) -> Option<PathBuf> {
        self.get(name).map(PathBuf::from)
    }

    /// Returns the home directory: the value of `HOME`, if it is an absolute path.
    #[must_use]
    pub fn home(&self) -> Option<PathBuf> {
        self.path("HOME").filter(|home| home.is_absolute())
    }

    /// Returns the working directory.
    #[must_use]
    pub fn working_dir(&self) -> Option<&Path> {
        self.working_dir.as_deref()
    }

    /// Returns the directory of the system configuration file.
    #[must_use]
    pub fn system_dir(&self) -> Option<&Path> {
        self.system_dir.as_deref()
    }

    /// Resolves a relative path against the working directory.
    #[must_use]
    pub fn resolve(&self, path: &Path) -> PathBuf {
        match &self.working_dir {
            Some(dir) => dir.join(path),
            None => path.to_owned(),
        }
    }

    /// Returns the names of all variables whose name is valid UTF-8.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.variables.keys().filter_map(|name| name.to_str())
    }

    /// Adds variables of lower precedence: a variable that is already set is not changed.
    #[cfg(feature = "files")]
    pub(crate) fn with_lower<'a>(
        mut self,
        pairs: impl IntoIterator<Item = (&'a str, &'a OsStr)>,
    ) -> Self {
        for (name, value) in pairs {
            if self.get(name).is_none() {
                Arc::make_mut(&mut self.variables).insert(name.into(), value.into());
            }
        }
        self
    }
}

/// Returns whether a value counts as unset.
pub(crate) fn is_blank(value: &OsStr) -> bool {
    value.to_str().is_some_and(is_blank_text)
}

impl fmt::Debug for Env {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_set()
            .entries(self.variables.keys())
            .finish()
    }
}
