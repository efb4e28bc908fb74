//! Defines the provenance of a value.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::Source;

/// The exact location of a value in its source.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Location {
    /// The variable with this name.
    Variable(String),
    /// A line and column of a file.
    File {
        /// The path of the file, as it was given or found.
        path: Arc<Path>,
        /// The line, starting at 1.
        line: usize,
        /// The column in characters, starting at 1.
        column: usize,
    },
    /// The name of the parameter or option, such as `--base-url`.
    Parameter(String),
    /// The stored profile with this name.
    Profile(String),
    /// A key of a figment provider.
    Provider {
        /// The key in the form of the provider, such as `default.timeout` or `TIMEOUT`.
        key: String,
        /// The name of the provider, such as `TOML file`, and its source if that is not a file.
        name: String,
        /// The file that the provider read, if it names one.
        file: Option<PathBuf>,
    },
}

impl fmt::Display for Location {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variable(name) | Self::Parameter(name) => formatter.write_str(name),
            Self::File { path, line, column } => {
                write!(formatter, "{}:{line}:{column}", path.display())
            }
            Self::Profile(name) => write!(formatter, "profile \"{name}\""),
            Self::Provider { key, name, file } => {
                write!(formatter, "{key} in {name}")?;
                match file {
                    Some(file) => write!(formatter, " {}", file.display()),
                    None => Ok(()),
                }
            }
        }
    }
}

/// A step between the location of a value and its use.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Via {
    /// The value was read from the secret file that a `NAME_FILE` variable or a `name_file` entry names.
    SecretFile(PathBuf),
    /// The value contains the value of this variable.
    Substituted(String),
}

/// The provenance of a value: its source, its location and the steps between its location and its use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provenance {
    source: Source,
    location: Option<Location>,
    via: Vec<Via>,
}

impl Provenance {
    /// Creates the provenance of a value of a source.
    #[must_use]
    pub fn new(source: Source, location: Option<Location>) -> Self {
        Self {
            source,
            location,
            via: Vec::new(),
        }
    }

    /// Adds a step.
    #[must_use]
    pub fn with_via(mut self, via: Via) -> Self {
        self.via.push(via);
        self
    }

    /// Returns the source.
    #[must_use]
    pub fn source(&self) -> Source {
        self.source
    }

    /// Returns the exact location, if the source has one.
    #[must_use]
    pub fn location(&self) -> Option<&Location> {
        self.location.as_ref()
    }

    /// Returns the short form for programs and tables: `param`, `env:NAME`, `file:PATH:LINE:COLUMN`, `stored`,
    /// `provider:KEY in NAME` or `default`.
    ///
    /// A value of a `.env` file has the form of a file. The form contains no steps.
    #[must_use]
    pub fn label(&self) -> String {
        match (&self.location, self.source) {
            (_, Source::Direct) => "param".to_owned(),
            (_, Source::Stored) => "stored".to_owned(),
            (Some(Location::Variable(name)), _) => format!("env:{name}"),
            (Some(file @ Location::File { .. }), _) => format!("file:{file}"),
            (Some(key @ Location::Provider { .. }), _) => format!("provider:{key}"),
            (_, source) => source.as_str().to_owned(),
        }
    }

    /// Returns the location for a message, or the source if the value has no location.
    pub(crate) fn place(&self) -> String {
        match &self.location {
            Some(location) => location.to_string(),
            None => self.source.to_string(),
        }
    }

    /// Returns the steps in order.
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
        // The name of a parameter already implies its source.
        if self.source == Source::Direct {
            return Ok(());
        }
        write!(formatter, " ({})", self.source)
    }
}

/// A value with its provenance.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Sourced<T> {
    /// The value.
    pub value: T,
    /// The provenance of the value.
    pub provenance: Provenance,
}

impl<T> Sourced<T> {
    /// Creates a value with its provenance.
    #[must_use]
    pub fn new(value: T, provenance: Provenance) -> Self {
        Self { value, provenance }
    }
}
