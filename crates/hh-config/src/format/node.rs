//! A parsed value with its place in the text, below the parsers of all formats.

use std::ops::Range;

use zeroize::Zeroizing;

/// A value with its place in the text, in bytes. It has no `Debug`, since it may be a secret.
pub(crate) struct Located<T> {
    pub(crate) value: T,
    pub(crate) span: Range<usize>,
}

/// A value of a file.
pub(crate) enum Node {
    Null,
    Boolean(bool),
    Number(String),
    Text(Zeroizing<String>),
    List(Vec<Located<Node>>),
    Table(Vec<Pair>),
    /// A value that no setting can have: a date, or a value nested too deep.
    Other,
}

impl Node {
    /// Returns whether it counts as unset.
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
    pub(crate) name: Located<String>,
    pub(crate) value: Located<Node>,
}

/// A syntax error; it holds no part of the text, which may contain a key.
pub(crate) struct ParseError {
    /// The end of a sentence about the file.
    pub(crate) what: &'static str,
    pub(crate) at: Option<usize>,
    /// For a duplicate name: the name, and its first place.
    pub(crate) twice: Option<Located<String>>,
}

impl ParseError {
    pub(super) fn new(what: &'static str, at: Option<usize>) -> Self {
        Self {
            what,
            at,
            twice: None,
        }
    }
}

pub(super) const NOT_A_TABLE: &str = "does not hold a table of settings";

/// Maximum nesting depth of tables and lists: `environments`, a name, a setting, its elements.
pub(super) const MAX_DEPTH: usize = 4;
