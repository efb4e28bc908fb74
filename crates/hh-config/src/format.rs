//! Parses the three formats of configuration files into one tree with the position of every name and value.

mod json;
mod node;
mod toml;
mod yaml;
mod yaml_error;

use std::fmt;
use std::path::Path;

use node::ParseError;
pub(crate) use node::{Located, Node, Pair};

/// The format of a configuration file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// YAML 1.2, without anchors and aliases.
    Yaml,
    /// JSON.
    Json,
    /// TOML 1.1.
    Toml,
}

/// The extensions of file names, in the order in which files are searched for.
pub(crate) const EXTENSIONS: [&str; 4] = ["yaml", "yml", "json", "toml"];

impl Format {
    /// Returns the format of a file by its extension, or `None` for an unknown extension.
    #[must_use]
    pub fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()? {
            "yaml" | "yml" => Some(Self::Yaml),
            "json" => Some(Self::Json),
            "toml" => Some(Self::Toml),
            _ => None,
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Yaml => "YAML",
            Self::Json => "JSON",
            Self::Toml => "TOML",
        })
    }
}

/// Parses a text as a table of settings.
pub(crate) fn parse(format: Format, text: &str) -> Result<Vec<Pair>, ParseError> {
    match format {
        Format::Yaml => yaml::parse(text),
        Format::Json => json::parse(text),
        Format::Toml => toml::parse(text),
    }
}

/// Converts byte positions of a text into lines and columns, both from 1.
pub(crate) struct Lines<'a> {
    text: &'a str,
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let starts = std::iter::once(0)
            .chain(ends.map(|(at, _)| at + 1))
            .collect();
        Self { text, starts }
    }

    pub(crate) fn of(&self, at: usize) -> (usize, usize) {
        let line = self.starts.partition_point(|start| *start <= at).max(1);
        let start = self.starts[line - 1];
        let before = self.text.get(start..at.min(self.text.len())).unwrap_or("");
        (line, before.chars().count() + 1)
    }
}
