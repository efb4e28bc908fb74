//! Parses JSON with `serde_json`, whose raw values determine the position of each name and value.

use std::fmt;

use serde::de::{Deserializer as _, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use super::node::{Located, MAX_DEPTH, NOT_A_TABLE, Node, Pair, ParseError};

pub(super) fn parse(text: &str) -> Result<Vec<Pair>, ParseError> {
    let raw = serde_json::from_str::<&RawValue>(text).map_err(|error| {
        let at = offset(text, error.line(), error.column());
        ParseError::new(describe(&error), Some(at))
    })?;
    if let Node::Table(pairs) = node(text, raw, 0) {
        return Ok(pairs);
    }
    Err(ParseError::new(NOT_A_TABLE, Some(0)))
}

/// The beginnings of the messages of the parser, with what they mean.
const MESSAGES: [(&str, &str); 15] = [
    (
        "EOF while parsing a string",
        "invalid JSON: a quote is not closed",
    ),
    (
        "EOF while parsing a list",
        "invalid JSON: a bracket is not closed",
    ),
    (
        "EOF while parsing an object",
        "invalid JSON: a brace is not closed",
    ),
    (
        "EOF while parsing a value",
        "invalid JSON: expected a value, but the file ends",
    ),
    (
        "expected `:`",
        "invalid JSON: expected a colon after the name",
    ),
    (
        "expected `,` or `]`",
        "invalid JSON: expected a comma or a closing bracket",
    ),
    (
        "expected `,` or `}`",
        "invalid JSON: expected a comma or a closing brace",
    ),
    (
        "expected ident",
        "invalid JSON: expected true, false or null",
    ),
    (
        "expected value",
        "invalid JSON: expected a value, such as a text in double quotes",
    ),
    (
        "key must be a string",
        "invalid JSON: expected a name in double quotes; comments and a comma at the end are not allowed",
    ),
    (
        "trailing comma",
        "invalid JSON: a comma after the last element is not allowed",
    ),
    (
        "trailing characters",
        "invalid JSON: unexpected text after the end of the document",
    ),
    (
        "invalid escape",
        "invalid JSON: unknown escape sequence in a text",
    ),
    ("invalid number", "invalid JSON: invalid number"),
    (
        "control character",
        "invalid JSON: a text must end with a quote on the same line, and cannot contain a tab",
    ),
];

/// Describes an error without any part of the text.
fn describe(error: &serde_json::Error) -> &'static str {
    let message = error.to_string();
    let known = MESSAGES
        .iter()
        .find(|(start, _)| message.starts_with(start));
    known.map_or("invalid JSON", |(_, meaning)| meaning)
}

/// Converts the line and column of the parser, which counts columns in bytes, into a byte position.
fn offset(text: &str, line: usize, column: usize) -> usize {
    let before: usize = text
        .split_inclusive('\n')
        .take(line.saturating_sub(1))
        .map(str::len)
        .sum();
    let mut at = (before + column.saturating_sub(1)).min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

fn at<T>(text: &str, raw: &RawValue, value: T) -> Located<T> {
    // A raw value borrows from the text that it was parsed from.
    let start = raw.get().as_ptr() as usize - text.as_ptr() as usize;
    Located {
        value,
        span: start..start + raw.get().len(),
    }
}

fn node(text: &str, raw: &RawValue, depth: usize) -> Node {
    let part = raw.get();
    match part.as_bytes().first() {
        Some(b'n') => Node::Null,
        Some(b't') => Node::Boolean(true),
        Some(b'f') => Node::Boolean(false),
        Some(b'"') => serde_json::from_str::<String>(part)
            .map_or(Node::Other, |text| Node::Text(Zeroizing::new(text))),
        Some(b'[' | b'{') if depth >= MAX_DEPTH => Node::Other,
        Some(b'[' | b'{') => {
            let parts = Parts { text, depth };
            serde_json::Deserializer::from_str(part)
                .deserialize_any(parts)
                .unwrap_or(Node::Other)
        }
        _ => Node::Number(part.to_owned()),
    }
}

/// Visits the parts of a list or table.
struct Parts<'a> {
    text: &'a str,
    depth: usize,
}

impl<'de> Visitor<'de> for Parts<'_> {
    type Value = Node;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a list or table")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Node, A::Error> {
        let mut list = Vec::new();
        while let Some(raw) = access.next_element::<&RawValue>()? {
            list.push(at(self.text, raw, node(self.text, raw, self.depth + 1)));
        }
        Ok(Node::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Node, A::Error> {
        let mut pairs = Vec::new();
        while let Some(name) = access.next_key::<&RawValue>()? {
            let raw = access.next_value::<&RawValue>()?;
            let text = serde_json::from_str(name.get()).unwrap_or_default();
            pairs.push(Pair {
                name: at(self.text, name, text),
                value: at(self.text, raw, node(self.text, raw, self.depth + 1)),
            });
        }
        Ok(Node::Table(pairs))
    }
}
