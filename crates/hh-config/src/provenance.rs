//! The record of where one value came from.

use std::fmt;
use std::path::PathBuf;

use crate::Source;

/// The exact place of a value within its source.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Location {
    /// The variable of this name.
    Variable(String),
    /// This file.
    File(PathBuf),
    /// The flag or parameter as people know it, such as `--base-url`.
    Parameter(String),
    /// The stored profile of this name.
    Profile(String),
}

/// What a value went through between its place and its use.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Via {
    /// Read from the secret file that a `NAME_FILE` variable names.
    SecretFile(PathBuf),
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

    /// Returns the steps the value went through, first to last.
    #[must_use]
    pub fn via(&self) -> &[Via] {
        &self.via
    }
}

impl fmt::Display for Provenance {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.location {
            Some(Location::Variable(name) | Location::Parameter(name)) => {
                formatter.write_str(name)?;
            }
            Some(Location::File(path)) => write!(formatter, "{}", path.display())?,
            Some(Location::Profile(name)) => write!(formatter, "profile \"{name}\"")?,
            None => return self.source.fmt(formatter),
        }
        for Via::SecretFile(path) in &self.via {
            write!(formatter, " -> {}", path.display())?;
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
