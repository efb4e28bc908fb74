//! Compares the value of a condition with a stored value.

use std::cmp::Ordering;

use serde_json::{Number, Value};
use uuid::Uuid;

use super::date::parse_time;
use crate::domain::Refusal;

/// The type in which values are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ValueType {
    Text,
    Number,
    Bool,
    Time,
    Id,
}

impl ValueType {
    /// Returns the type with this name in the API.
    pub(super) fn find(name: &str) -> Result<Self, Refusal> {
        match name {
            "string" => Ok(Self::Text),
            "number" => Ok(Self::Number),
            "boolean" => Ok(Self::Bool),
            "datetime" => Ok(Self::Time),
            "id" => Ok(Self::Id),
            _ => Err(Refusal::Invalid(
                "the type of a filter must be one of string, number, boolean, datetime, id"
                    .to_owned(),
            )),
        }
    }
}

/// A scalar value of an event.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Scalar<'a> {
    Null,
    Bool(bool),
    Signed(i64),
    Unsigned(u64),
    Float(f64),
    Text(&'a str),
    /// Unix milliseconds.
    Time(f64),
    Id(Uuid),
}

/// A number as it is compared.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Comparable {
    Whole(i128),
    Float(f64),
}

impl Comparable {
    fn of(number: &Number) -> Option<Self> {
        if let Some(whole) = number.as_i64() {
            return Some(Self::Whole(whole.into()));
        }
        if let Some(whole) = number.as_u64() {
            return Some(Self::Whole(whole.into()));
        }
        number.as_f64().map(Self::Float)
    }

    fn parse(text: &str) -> Option<Self> {
        Self::of(&text.trim().parse().ok()?)
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "a whole number is compared with a fraction as a float"
    )]
    fn as_float(self) -> f64 {
        match self {
            Self::Whole(whole) => whole as f64,
            Self::Float(float) => float,
        }
    }

    /// Compares whole numbers exactly, and other numbers as floats.
    fn compare(self, other: Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Whole(one), Self::Whole(other)) => Some(one.cmp(&other)),
            (one, other) => one.as_float().partial_cmp(&other.as_float()),
        }
    }
}

/// The value of a condition.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Operand {
    Text(String),
    /// A text that denotes a number. Stored texts are compared with the text, and stored numbers with the number.
    Numeral(String, Comparable),
    Number(Comparable),
    Bool(bool),
    /// Unix milliseconds.
    Time(f64),
    Id(Uuid),
}

impl Operand {
    /// Parses the value of a condition in a type, or in its own type.
    pub(super) fn parse(value: &Value, value_type: Option<ValueType>) -> Result<Self, Refusal> {
        let value_type = value_type.or(match value {
            Value::String(_) => Some(ValueType::Text),
            Value::Number(_) => Some(ValueType::Number),
            Value::Bool(_) => Some(ValueType::Bool),
            Value::Null | Value::Array(_) | Value::Object(_) => None,
        });
        let parsed = match (value_type, value) {
            (Some(ValueType::Text), value) => scalar_text(value).map(Self::Text),
            (Some(ValueType::Id), value) => scalar_text(value)
                .map(|text| Uuid::try_parse(&text).map_or(Self::Text(text), Self::Id)),
            (Some(ValueType::Number), Value::Number(number)) => {
                Comparable::of(number).map(Self::Number)
            }
            (Some(ValueType::Number), Value::String(text)) => {
                Comparable::parse(text).map(Self::Number)
            }
            (Some(ValueType::Bool), Value::Bool(value)) => Some(Self::Bool(*value)),
            (Some(ValueType::Bool), Value::String(text)) => text.parse().ok().map(Self::Bool),
            (Some(ValueType::Time), Value::Number(number)) => number.as_f64().map(Self::Time),
            (Some(ValueType::Time), Value::String(text)) => parse_time(text).map(Self::Time),
            _ => None,
        };
        parsed.ok_or_else(|| {
            let expected = match value_type {
                Some(ValueType::Number) => "a number",
                Some(ValueType::Bool) => "true or false",
                Some(ValueType::Time) => "an ISO 8601 time or a number of Unix milliseconds",
                Some(ValueType::Text | ValueType::Id) | None => "a string, a number or a boolean",
            };
            Refusal::Invalid(format!("the value of a filter must be {expected}"))
        })
    }

    /// Returns the operand for a value in its own type. A text also equals the number that it denotes.
    pub(super) fn of_value(value: &Value) -> Result<Self, Refusal> {
        if let Value::String(text) = value
            && let Some(number) = text.parse().ok().as_ref().and_then(Comparable::of)
        {
            return Ok(Self::Numeral(text.clone(), number));
        }
        Self::parse(value, None)
    }

    /// Compares a stored value with the operand; `None` if they cannot be compared.
    pub(super) fn compare(&self, value: Scalar<'_>) -> Option<Ordering> {
        match self {
            Self::Text(text) => with_text(value, |stored| stored.cmp(text.as_str())),
            Self::Numeral(text, number) => {
                if let Scalar::Text(stored) = value {
                    Some(stored.cmp(text))
                } else {
                    number_of(value)?.compare(*number)
                }
            }
            Self::Number(number) => number_of(value)?.compare(*number),
            Self::Bool(wanted) => Some(bool_of(value)?.cmp(wanted)),
            Self::Time(time) => match value {
                Scalar::Text(text) => parse_time(text)?.partial_cmp(time),
                Scalar::Null
                | Scalar::Bool(_)
                | Scalar::Signed(_)
                | Scalar::Unsigned(_)
                | Scalar::Float(_)
                | Scalar::Time(_)
                | Scalar::Id(_) => number_of(value)?.as_float().partial_cmp(time),
            },
            Self::Id(id) => Some(id_of(value)?.cmp(id)),
        }
    }

    /// Returns whether a stored text contains the text of the operand. Other operands are part of values that equal
    /// them.
    pub(super) fn is_part_of(&self, value: Scalar<'_>) -> bool {
        match self {
            Self::Text(text) | Self::Numeral(text, _) => {
                with_text(value, |stored| stored.contains(text.as_str())) == Some(true)
            }
            Self::Number(_) | Self::Bool(_) | Self::Time(_) | Self::Id(_) => {
                self.compare(value) == Some(Ordering::Equal)
            }
        }
    }

    /// Returns whether the operand is the name of a member.
    pub(super) fn is_name(&self, name: &str) -> bool {
        matches!(self, Self::Text(text) | Self::Numeral(text, _) if text == name)
    }
}

/// Calls a function with the text of a value; returns `None` for a value without a text.
fn with_text<T>(value: Scalar<'_>, run: impl FnOnce(&str) -> T) -> Option<T> {
    match value {
        Scalar::Null => None,
        Scalar::Text(text) => Some(run(text)),
        Scalar::Bool(value) => Some(run(if value { "true" } else { "false" })),
        Scalar::Signed(number) => Some(run(&Number::from(number).to_string())),
        Scalar::Unsigned(number) => Some(run(&Number::from(number).to_string())),
        Scalar::Float(number) | Scalar::Time(number) => {
            Some(run(&Number::from_f64(number)?.to_string()))
        }
        Scalar::Id(id) => Some(run(id
            .hyphenated()
            .encode_lower(&mut Uuid::encode_buffer()))),
    }
}

/// Returns the text of a scalar value of a request.
fn scalar_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Returns the boolean in a stored value.
fn bool_of(value: Scalar<'_>) -> Option<bool> {
    match value {
        Scalar::Bool(value) => Some(value),
        Scalar::Text(text) => text.parse().ok(),
        Scalar::Null
        | Scalar::Signed(_)
        | Scalar::Unsigned(_)
        | Scalar::Float(_)
        | Scalar::Time(_)
        | Scalar::Id(_) => None,
    }
}

/// Returns the UUID in a stored value.
fn id_of(value: Scalar<'_>) -> Option<Uuid> {
    match value {
        Scalar::Id(id) => Some(id),
        Scalar::Text(text) => Uuid::try_parse(text).ok(),
        Scalar::Null
        | Scalar::Bool(_)
        | Scalar::Signed(_)
        | Scalar::Unsigned(_)
        | Scalar::Float(_)
        | Scalar::Time(_) => None,
    }
}

/// Returns the number in a stored value.
fn number_of(value: Scalar<'_>) -> Option<Comparable> {
    match value {
        Scalar::Signed(number) => Some(Comparable::Whole(number.into())),
        Scalar::Unsigned(number) => Some(Comparable::Whole(number.into())),
        Scalar::Float(number) | Scalar::Time(number) => Some(Comparable::Float(number)),
        Scalar::Text(text) => Comparable::parse(text),
        Scalar::Null | Scalar::Bool(_) | Scalar::Id(_) => None,
    }
}
