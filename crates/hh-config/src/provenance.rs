//! The record of where one value came from.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::Source;

/// The exact place of a value within its source.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Location {
    /// The variable of this name.
    Variable(String),
    /// This line and column of a file, each counted from 1, the column in characters.
    File {
        /// The file, as it was named or found.
        path: Arc<Path>,
        /// The line.
        line: usize,
        /// The column.
        column: usize,
    },
    /// The flag or parameter as people know it, such as `--base-url`.
    Parameter(String),
    /// The stored profile of this name.
    Profile(String),
}

impl fmt::Display for Location {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variable(name) | Self::Parameter(name) => formatter.write_str(name),
            Self::File { path, line, column } => {
                write!(formatter, "{}:{line}:{column}", path.display())
            }
            Self::Profile(name) => write!(formatter, "profile \"{name}\""),
        }
    }
}

/// What a value went through between its place and its use.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Via {
    /// Read from the secret file that a `NAME_FILE` variable or a `name_file` entry names.
    SecretFile(PathBuf),
    /// Put together with the value of this variable.
    Substituted(String),
}

/// Where a value came from: its source, the exact place and what it went through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provenance {
    source: Source,
    location: Option<Location>,
    via: Vec<Via>,
}

impl Provenance {
    /// Makes a record of a value of this source.
    #[must_use]
    pub fn new(source: Source, location: Option<Location>) -> Self {
        Self {
            source,
            location,
            via: Vec::new(),
        }
    }

    /// Adds a step that the value went through.
    #[must_use]
    pub fn with_via(mut self, via: Via) -> Self {
        self.via.push(via);
        self
    }

    /// Returns the kind of place.
    #[must_use]
    pub fn source(&self) -> Source {
        self.source
    }

    /// Returns the exact place, if the source has one.
    #[must_use]
    pub fn location(&self) -> Option<&Location> {
        self.location.as_ref()
    }

    /// Returns the short form that programs and tables read: `param`, `env:NAME`, `file:PATH:LINE:COLUMN`, `stored` or
    /// `default`.
    ///
    /// A value of a `.env` file is one of a file; what a value went through is not in it.
    #[must_use]
    pub fn label(&self) -> String {
        match (&self.location, self.source) {
            (_, Source::Direct) => "param".to_owned(),
            (_, Source::Stored) => "stored".to_owned(),
            (Some(Location::Variable(name)), _) => format!("env:{name}"),
            (Some(file @ Location::File { .. }), _) => format!("file:{file}"),
            (_, source) => source.as_str().to_owned(),
        }
    }

    /// Returns the steps the value went through, first to last.
    #[must_use]
    pub fn via(&self) -> &[Via] {
        &self.via
    }
}

impl fmt::Display for Provenance {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.location {
            Some(location) => location.fmt(formatter)?,
            None => return self.source.fmt(formatter),
        }
        for via in &self.via {
            match via {
                Via::SecretFile(path) => write!(formatter, " -> {}", path.display())?,
                Via::Substituted(variable) => write!(formatter, " with ${{{variable}}}")?,
            }
        }
        // A parameter says what it is.
        if self.source == Source::Direct {
            return Ok(());
        }
        write!(formatter, " ({})", self.source)
    }
}

/// A value with the record of where it came from.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Sourced<T> {
    /// The value in effect.
    pub value: T,
    /// Where it came from.
    pub provenance: Provenance,
}

impl<T> Sourced<T> {
    /// Joins a value with its record.
    #[must_use]
    pub fn new(value: T, provenance: Provenance) -> Self {
        Self { value, provenance }
    }
}
