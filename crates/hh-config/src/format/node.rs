//! Defines the tree of a parsed file, which the parsers of all formats create.

use std::fmt;
use std::ops::Range;

use hh_text::Diagnostic;
use zeroize::Zeroizing;

/// A value with its byte range in the text. It has no `Debug`, because it may be a secret.
pub(crate) struct Located<T> {
    pub(crate) value: T,
    pub(crate) span: Range<usize>,
}

/// A value in a file.
pub(crate) enum Node {
    Null,
    Boolean(bool),
    Number(String),
    Text(Zeroizing<String>),
    List(Vec<Located<Node>>),
    Table(Vec<Pair>),
    /// A value that no setting can have: a date, or a value that is nested too deep.
    Other,
}

impl Node {
    /// Returns whether the value counts as unset.
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

/// A syntax error. It contains no part of the text, which may contain a key.
pub(crate) struct ParseError {
    /// The message.
    pub(crate) what: &'static str,
    pub(crate) hint: Option<&'static str>,
    pub(crate) at: Option<usize>,
    /// The name and its first position, for a duplicate name.
    pub(crate) twice: Option<Located<String>>,
}

impl ParseError {
    /// Returns the message and the hint, with the location of the error before the message.
    pub(crate) fn diagnostic(&self, place: impl fmt::Display) -> Diagnostic {
        let diagnostic = Diagnostic::new(self.what).with_prefix(format_args!("{place}: "));
        match self.hint {
            Some(hint) => diagnostic.with_hint(hint),
            None => diagnostic,
        }
    }

    pub(super) fn new(what: &'static str, at: Option<usize>) -> Self {
        Self {
            what,
            hint: None,
            at,
            twice: None,
        }
    }
}

pub(super) const NOT_A_TABLE: &str = "expected a table of settings";

/// Maximum nesting depth of tables and lists: `environments`, a name, a setting, its elements.
pub(super) const MAX_DEPTH: usize = 4;
