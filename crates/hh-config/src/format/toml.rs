//! Parses TOML with the `toml` crate, whose tree has the position of every part.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};
use zeroize::Zeroizing;

use super::node::{Located, MAX_DEPTH, Node, Pair, ParseError};

pub(super) fn parse(text: &str) -> Result<Vec<Pair>, ParseError> {
    let (table, errors) = DeTable::parse_recoverable(text);
    let pairs = pairs(table.get_ref(), 0);
    let Some(error) = errors.first() else {
        return Ok(pairs);
    };
    let span = error.span().unwrap_or_default();
    if !error.message().starts_with("duplicate key") {
        let at = error.span().map(|span| span.start);
        return Err(ParseError::new(describe(error.message()), at));
    }
    let name = text.get(span.clone()).unwrap_or_default();
    let first = pairs.into_iter().map(|pair| pair.name);
    let mut first = first.filter(|first| first.value == name && first.span.start < span.start);
    Err(ParseError {
        twice: first.next(),
        ..ParseError::new("duplicate name", Some(span.start))
    })
}

/// The beginnings of the messages of the parser, with what they mean.
const MESSAGES: [(&str, &str); 18] = [
    (
        "string values must be quoted",
        "invalid TOML: expected a value; a text must be in quotes",
    ),
    ("missing value", "invalid TOML: expected a value after ="),
    (
        "key with no value",
        "invalid TOML: expected = and a value after the name",
    ),
    (
        "missing assignment",
        "invalid TOML: expected = after the name",
    ),
    ("extra `=`", "invalid TOML: unexpected ="),
    ("extra assignment", "invalid TOML: unexpected ="),
    ("missing opening quote", "invalid TOML: a quote is missing"),
    (
        "invalid basic string",
        "invalid TOML: a quote is not closed",
    ),
    (
        "invalid literal string",
        "invalid TOML: a quote is not closed",
    ),
    (
        "unclosed table",
        "invalid TOML: the header of a table is not closed with ]",
    ),
    (
        "unclosed array table",
        "invalid TOML: the header of a table is not closed with ]]",
    ),
    (
        "unclosed array",
        "invalid TOML: a list is not closed with ]",
    ),
    (
        "unclosed inline table",
        "invalid TOML: a table is not closed with }",
    ),
    ("missing comma", "invalid TOML: expected a comma"),
    ("extra comma", "invalid TOML: unexpected comma"),
    (
        "invalid unquoted key",
        "invalid TOML: a name with this character must be in quotes",
    ),
    (
        "missing escaped value",
        "invalid TOML: unknown escape sequence in a text",
    ),
    (
        "unexpected key or value",
        "invalid TOML: expected the end of the line",
    ),
];

/// Describes an error without any part of the text, which the messages of the parser may contain.
fn describe(message: &str) -> &'static str {
    let known = MESSAGES
        .iter()
        .find(|(start, _)| message.starts_with(start));
    known.map_or("invalid TOML", |(_, meaning)| meaning)
}

fn pairs(table: &DeTable<'_>, depth: usize) -> Vec<Pair> {
    let mut pairs: Vec<_> = table
        .iter()
        .map(|(name, value)| Pair {
            name: Located {
                value: name.get_ref().to_string(),
                span: name.span(),
            },
            value: at(value, depth + 1),
        })
        .collect();
    // The tree is sorted by name. Problems are reported in the order of the file.
    pairs.sort_by_key(|pair| pair.name.span.start);
    pairs
}

fn at(value: &Spanned<DeValue<'_>>, depth: usize) -> Located<Node> {
    let span: Range<usize> = value.span();
    Located {
        value: node(value.get_ref(), depth),
        span,
    }
}

fn node(value: &DeValue<'_>, depth: usize) -> Node {
    match value {
        DeValue::String(text) => Node::Text(Zeroizing::new(text.to_string())),
        DeValue::Boolean(flag) => Node::Boolean(*flag),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            // A number that is too large is out of range for every setting.
            .map_or_else(
                |_| Node::Number(number.as_str().to_owned()),
                |number| Node::Number(number.to_string()),
            ),
        DeValue::Float(number) => Node::Number(number.as_str().to_owned()),
        DeValue::Array(list) if depth < MAX_DEPTH => {
            Node::List(list.iter().map(|value| at(value, depth + 1)).collect())
        }
        DeValue::Table(table) if depth < MAX_DEPTH => Node::Table(pairs(table, depth)),
        DeValue::Array(_) | DeValue::Table(_) | DeValue::Datetime(_) => Node::Other,
    }
}
