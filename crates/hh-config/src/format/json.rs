//! JSON, through `serde_json`: raw parts of the text tell where each name and value stands.

use std::fmt;

use serde::de::{Deserializer as _, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use super::node::{Located, MAX_DEPTH, NOT_A_TABLE, Node, Pair, ParseError};

pub(super) fn parse(text: &str) -> Result<Vec<Pair>, ParseError> {
    let raw = serde_json::from_str::<&RawValue>(text).map_err(|error| {
        let at = offset(text, error.line(), error.column());
        ParseError::new("is not valid JSON", Some(at))
    })?;
    if let Node::Table(pairs) = node(text, raw, 0) {
        return Ok(pairs);
    }
    Err(ParseError::new(NOT_A_TABLE, Some(0)))
}

/// Turns the parser's line and column, the latter in bytes, into a place in the text.
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
    // A raw value is a part of the text it was read from.
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

/// Reads the parts of a list or table.
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
