//! The three formats of configuration files, each read into one shape with the place of every name and value.

mod json;
mod toml;
mod yaml;

use std::fmt;
use std::ops::Range;
use std::path::Path;

use zeroize::Zeroizing;

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

/// The endings of file names, in the order in which files are looked for.
pub(crate) const EXTENSIONS: [&str; 4] = ["yaml", "yml", "json", "toml"];

impl Format {
    /// Tells the format of a file by the ending of its name.
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

/// Something with its place in the text, in bytes. No `Debug`: it may be a secret.
pub(crate) struct At<T> {
    pub(crate) value: T,
    pub(crate) span: Range<usize>,
}

/// A value of a file.
pub(crate) enum Node {
    Null,
    Boolean(bool),
    Number(String),
    Text(Zeroizing<String>),
    List(Vec<At<Node>>),
    Table(Vec<Pair>),
    /// What no setting can be: a date, or something nested too deep.
    Other,
}

impl Node {
    /// Whether it counts as unset.
    pub(crate) fn is_blank(&self) -> bool {
        match self {
            Self::Null => true,
            Self::Text(text) => text.trim().is_empty(),
            Self::Boolean(_) | Self::Number(_) | Self::List(_) | Self::Table(_) | Self::Other => {
                false
            }
        }
    }
}

/// A name and its value.
pub(crate) struct Pair {
    pub(crate) name: At<String>,
    pub(crate) value: At<Node>,
}

/// Why a text is not of its format: never a part of the text, which may hold a key.
pub(crate) struct ParseError {
    /// The end of a sentence about the file.
    pub(crate) what: &'static str,
    pub(crate) at: Option<usize>,
    /// For a name that stands there twice: the name, and where it stands first.
    pub(crate) twice: Option<At<String>>,
}

impl ParseError {
    fn new(what: &'static str, at: Option<usize>) -> Self {
        Self {
            what,
            at,
            twice: None,
        }
    }
}

const NOT_A_TABLE: &str = "does not hold a table of settings";

/// How deep tables and lists may lie in each other: `environments`, a name, a setting, its elements.
const MAX_DEPTH: usize = 4;

/// Reads the table that a text is.
pub(crate) fn parse(format: Format, text: &str) -> Result<Vec<Pair>, ParseError> {
    match format {
        Format::Yaml => yaml::parse(text),
        Format::Json => json::parse(text),
        Format::Toml => toml::parse(text),
    }
}

/// Finds lines and columns, each counted from 1, of places in a text.
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
