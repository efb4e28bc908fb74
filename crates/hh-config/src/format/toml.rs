//! TOML, through toml's own tree with the place of every part.

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
    // The parser's messages may repeat the text: only known ones are told.
    if !error.message().starts_with("duplicate key") {
        let at = error.span().map(|span| span.start);
        return Err(ParseError::new("is not valid TOML", at));
    }
    let name = text.get(span.clone()).unwrap_or_default();
    let first = pairs.into_iter().map(|pair| pair.name);
    let mut first = first.filter(|first| first.value == name && first.span.start < span.start);
    Err(ParseError {
        twice: first.next(),
        ..ParseError::new("has a name twice", Some(span.start))
    })
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
    // The tree is in the order of names; people read in the order of the file.
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
            // One that is too large is out of every range.
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
