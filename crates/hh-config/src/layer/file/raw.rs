//! Converts the value of a setting in a file into raw text, and expands variables.

use std::collections::BTreeMap;

use hh_text::Diagnostic;
use zeroize::Zeroizing;

use crate::format::Node;
use crate::{Env, Kind, SettingName, SubstituteError, substitute};

/// A value before substitution.
pub(super) enum Raw {
    Text(Zeroizing<String>),
    List(Vec<Zeroizing<String>>),
    Map(Vec<(String, Zeroizing<String>)>),
}

/// Expands variables, and records their names.
pub(super) struct Expander<'a> {
    pub(super) env: &'a Env,
    pub(super) variables: Vec<String>,
}

impl Expander<'_> {
    fn text(&mut self, text: &str) -> Result<Zeroizing<String>, SubstituteError> {
        let done = substitute(text, self.env);
        match &done {
            Ok(done) => self.variables.extend(done.variables.iter().cloned()),
            Err(
                SubstituteError::Unset(name)
                | SubstituteError::Message(name, _)
                | SubstituteError::NotUtf8(name),
            ) => self.variables.push(name.clone()),
            Err(SubstituteError::Malformed | SubstituteError::TooLong) => {}
        }
        done.map(|done| done.text)
    }
}

impl Raw {
    /// Returns the text after substitution; lists and tables become JSON.
    pub(super) fn put(self, put: &mut Expander<'_>) -> Result<Zeroizing<String>, SubstituteError> {
        let json = match self {
            Self::Text(text) => return put.text(&text),
            Self::List(list) => {
                let list = list.iter().map(|text| put.text(text));
                let list = list.collect::<Result<Vec<_>, _>>()?;
                serde_json::to_string(&list.iter().map(|text| text.as_str()).collect::<Vec<_>>())
            }
            Self::Map(map) => {
                let map = map
                    .into_iter()
                    .map(|(name, text)| Ok((name, put.text(&text)?)));
                let map = map.collect::<Result<BTreeMap<_, _>, _>>()?;
                let map = map.iter().map(|(name, text)| (name, text.as_str()));
                serde_json::to_string(&map.collect::<BTreeMap<_, _>>())
            }
        };
        // Serializing strings cannot fail.
        Ok(Zeroizing::new(json.unwrap_or_default()))
    }
}

/// Returns a value in the form that its setting requires, or `None` for null.
///
/// # Errors
/// The expected form of the value.
pub(super) fn raw(setting: SettingName, node: Node) -> Result<Option<Raw>, Diagnostic> {
    let kind = setting.spec().kind;
    let is_numeric = matches!(
        kind,
        Kind::Boolean | Kind::Seconds(..) | Kind::Number(..) | Kind::Count(..)
    );
    match node {
        Node::Null => Ok(None),
        Node::Text(text) => Ok(Some(Raw::Text(text))),
        Node::Boolean(flag) if is_numeric => Ok(Some(Raw::Text(Zeroizing::new(flag.to_string())))),
        Node::Number(number) if is_numeric => Ok(Some(Raw::Text(Zeroizing::new(number)))),
        Node::List(list) if kind.is_list() => {
            let texts = list.into_iter().map(|element| text(element.value));
            texts
                .collect::<Result<_, _>>()
                .map(|texts| Some(Raw::List(texts)))
        }
        Node::Table(pairs) if kind == Kind::Map => {
            let texts = pairs
                .into_iter()
                .map(|pair| Ok((pair.name.value, text(pair.value.value)?)));
            texts
                .collect::<Result<_, _>>()
                .map(|texts| Some(Raw::Map(texts)))
        }
        // A name such as `1.10` or `007` that was parsed as a number has already lost a digit.
        Node::Number(_) => Err(unquoted("expected a string, found a number")),
        Node::Boolean(_) => Err(unquoted("expected a string, found a boolean")),
        Node::List(_) | Node::Table(_) | Node::Other if kind.is_list() => {
            Err("expected a list of strings".into())
        }
        Node::List(_) | Node::Table(_) | Node::Other if kind == Kind::Map => {
            Err("expected a table of strings".into())
        }
        Node::List(_) | Node::Table(_) | Node::Other => Err("expected a single value".into()),
    }
}

fn text(node: Node) -> Result<Zeroizing<String>, Diagnostic> {
    if let Node::Text(text) = node {
        return Ok(text);
    }
    Err(Diagnostic::new("expected only strings as elements").with_hint("quote each element"))
}

fn unquoted(message: &'static str) -> Diagnostic {
    Diagnostic::new(message).with_hint("quote the value")
}
