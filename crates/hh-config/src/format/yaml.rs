//! Parses YAML with `serde-saphyr`.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_saphyr::granit_parser::{Scanner, StrInput, TokenType};
use serde_saphyr::{DuplicateKeyPolicy, MergeKeyPolicy, NonFiniteFloatPolicy, Options, Spanned};
use zeroize::Zeroizing;

use super::node::{Located, NOT_A_TABLE, Node, Pair, ParseError};
use super::yaml_error;

pub(super) fn parse(text: &str) -> Result<Vec<Pair>, ParseError> {
    if let Some(at) = find_tag(text) {
        return Err(ParseError {
            hint: Some("remove the tag; to use an environment variable, write \"${NAME}\" instead"),
            ..ParseError::new("YAML tags are not supported", Some(at))
        });
    }
    let parsed = serde_saphyr::from_str_with_options::<Option<Spanned<Node>>>(text, options());
    let document = parsed.map_err(|error| {
        ParseError::new(
            describe(&error, text),
            error.location().map(|at| offset_in(text, at)),
        )
    })?;
    match document.map(|document| document.value) {
        None | Some(Node::Null) => Ok(Vec::new()),
        Some(Node::Table(pairs)) => Ok(pairs),
        Some(_) => Err(ParseError::new(NOT_A_TABLE, Some(0))),
    }
}

/// Returns the byte position of the first tag, such as `!env` or `!!str`. The deserializer ignores most tags, so that the
/// file would have another meaning than its author expects.
fn find_tag(text: &str) -> Option<usize> {
    if !text.contains('!') {
        return None;
    }
    let is_tag =
        |kind: &TokenType<'_>| matches!(kind, TokenType::Tag(..) | TokenType::TagDirective(..));
    // The deserializer reports errors of the scanner.
    let mut tokens = Scanner::new(StrInput::new(text)).map_while(Result::ok);
    let token = tokens.find(|token| is_tag(token.token_type()))?;
    token.span().start.byte_offset()
}

const ALIASES: &str = "anchors and aliases are not supported";

fn options() -> Options {
    serde_saphyr::options! {
        // The caller reports duplicate names with both positions.
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        merge_keys: MergeKeyPolicy::AsOrdinary,
        // `no` and `on` are strings in YAML 1.2. A boolean setting accepts them as strings.
        strict_booleans: true,
        // Such a number is out of range for every setting, and is reported as that.
        non_finite_float_policy: NonFiniteFloatPolicy::PassThrough,
        // An alias can expand to a much larger text.
        budget: serde_saphyr::budget! { max_aliases: 0, max_anchors: 0, max_depth: 32 },
    }
}

/// Describes an error without any part of the text.
fn describe(error: &serde_saphyr::Error, text: &str) -> &'static str {
    use serde_saphyr::{Error, budget::BudgetBreach};
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "all other errors are reported by position only"
    )]
    match error.without_snippet() {
        Error::Budget { breach, .. } => match breach {
            BudgetBreach::Aliases { .. } | BudgetBreach::Anchors { .. } => ALIASES,
            _ => "the document is nested too deeply or has too many values",
        },
        Error::MultipleDocuments { .. } => "more than one YAML document",
        _ => yaml_error::describe(text),
    }
}

/// Converts the location of an error into a byte position. Errors of the scanner have only a line and a column.
fn offset_in(text: &str, at: serde_saphyr::Location) -> usize {
    if at.span().byte_offset().is_some() {
        return offset(at);
    }
    let line = usize::try_from(at.line()).unwrap_or_default();
    let column = usize::try_from(at.column()).unwrap_or_default();
    let lines = text.split_inclusive('\n').take(line.saturating_sub(1));
    let start = lines.map(str::len).sum::<usize>().min(text.len());
    let letters = text[start..].chars().take(column.saturating_sub(1));
    start + letters.map(char::len_utf8).sum::<usize>()
}

fn offset(at: serde_saphyr::Location) -> usize {
    usize::try_from(at.span().byte_offset().unwrap_or_default()).unwrap_or_default()
}

fn at<T>(spanned: Spanned<T>) -> Located<T> {
    let start = offset(spanned.referenced);
    let length = spanned.referenced.span().byte_len().unwrap_or_default();
    Located {
        value: spanned.value,
        span: start..start + usize::try_from(length).unwrap_or_default(),
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }

    fn visit_none<E>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
        Ok(Node::Boolean(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
        Ok(Node::Number(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Node, E> {
        Ok(Node::Number(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Node, E> {
        let text = value.to_string();
        // The fraction is preserved, so that 5.0 is not a whole number.
        let is_bare = value.is_finite() && !text.contains('.');
        Ok(Node::Number(if is_bare { text + ".0" } else { text }))
    }

    fn visit_str<E>(self, value: &str) -> Result<Node, E> {
        Ok(Node::Text(Zeroizing::new(value.to_owned())))
    }

    fn visit_string<E>(self, value: String) -> Result<Node, E> {
        Ok(Node::Text(Zeroizing::new(value)))
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        Node::deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Node, A::Error> {
        let mut list = Vec::new();
        while let Some(element) = access.next_element::<Spanned<Node>>()? {
            list.push(at(element));
        }
        Ok(Node::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Node, A::Error> {
        let mut pairs = Vec::new();
        while let Some(name) = access.next_key::<Spanned<Node>>()? {
            let name = at(name);
            let value = match name.value {
                Node::Text(text) => (*text).clone(),
                Node::Number(text) => text,
                Node::Boolean(flag) => flag.to_string(),
                Node::Null | Node::List(_) | Node::Table(_) | Node::Other => {
                    return Err(A::Error::custom("a name is not a string"));
                }
            };
            let name = Located {
                value,
                span: name.span,
            };
            let value = at(access.next_value::<Spanned<Node>>()?);
            pairs.push(Pair { name, value });
        }
        Ok(Node::Table(pairs))
    }
}
