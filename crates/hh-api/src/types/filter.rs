use std::fmt;

use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

/// The operator of a filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub enum Operator {
    /// The field has a value other than null.
    #[serde(rename = "exists")]
    Exists,
    /// The field is missing or null.
    #[serde(rename = "not exists")]
    NotExists,
    /// The field equals the value.
    #[serde(rename = "is")]
    Is,
    /// The field is missing or does not equal the value.
    #[serde(rename = "is not")]
    IsNot,
    /// The text of the field contains the value, the list has an element that equals it, or the object has a member
    /// with this name.
    #[serde(rename = "contains")]
    Contains,
    /// The opposite of `contains`, which also matches a missing field.
    #[serde(rename = "not contains")]
    NotContains,
    /// The field is greater than the value.
    #[serde(rename = "greater than")]
    GreaterThan,
    /// The field is less than the value.
    #[serde(rename = "less than")]
    LessThan,
    /// The time in the field is later than the value.
    #[serde(rename = "after")]
    After,
    /// The time in the field is earlier than the value.
    #[serde(rename = "before")]
    Before,
}

impl Operator {
    /// Every operator.
    pub const ALL: [Self; 10] = [
        Self::Exists,
        Self::NotExists,
        Self::Is,
        Self::IsNot,
        Self::Contains,
        Self::NotContains,
        Self::GreaterThan,
        Self::LessThan,
        Self::After,
        Self::Before,
    ];

    /// Returns the name in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Exists => "exists",
            Self::NotExists => "not exists",
            Self::Is => "is",
            Self::IsNot => "is not",
            Self::Contains => "contains",
            Self::NotContains => "not contains",
            Self::GreaterThan => "greater than",
            Self::LessThan => "less than",
            Self::After => "after",
            Self::Before => "before",
        }
    }

    /// Returns the operator with this name in the API. The case of letters does not matter, and an underscore is the
    /// same as a space.
    #[must_use]
    pub fn find(name: &str) -> Option<Self> {
        let is_same =
            |one: u8, other: u8| one.eq_ignore_ascii_case(&other) || one == b'_' && other == b' ';
        Self::ALL.into_iter().find(|operator| {
            let known = operator.as_str();
            known.len() == name.len() && name.bytes().zip(known.bytes()).all(|(a, b)| is_same(a, b))
        })
    }
}

impl<'de> Deserialize<'de> for Operator {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Name;

        impl Visitor<'_> for Name {
            type Value = Operator;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("one of ")?;
                for (at, operator) in Operator::ALL.iter().enumerate() {
                    let separator = if at == 0 { "" } else { ", " };
                    write!(formatter, "{separator}\"{}\"", operator.as_str())?;
                }
                Ok(())
            }

            fn visit_str<E: Error>(self, name: &str) -> Result<Operator, E> {
                let unknown = || E::invalid_value(Unexpected::Other("operator"), &self);
                Operator::find(name).ok_or_else(unknown)
            }
        }

        deserializer.deserialize_str(Name)
    }
}

/// A condition that events must match.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "the client and the server create it; all of its fields are sent"
)]
pub struct Filter {
    /// The field: a member of an event, such as `event_name`, or a path in one of its objects, such as `metadata.cost`
    /// or `inputs.messages.0.role`.
    pub field: String,
    /// The operator.
    pub operator: Operator,
    /// The value to compare with.
    #[serde(default)]
    pub value: Value,
    /// The type in which the field and the value are compared: `string`, `number`, `boolean`, `datetime` or `id`. The
    /// default is the type of the value.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub value_type: Option<String>,
}

impl Filter {
    /// Creates a condition with an operator. The type of the value determines how it is compared.
    ///
    /// # Examples
    /// ```
    /// use hh_api::types::{Filter, Operator};
    ///
    /// let expensive = Filter::new("metadata.cost", Operator::GreaterThan, 0.1);
    /// assert_eq!(expensive.value, 0.1);
    /// ```
    #[must_use]
    pub fn new(field: impl Into<String>, operator: Operator, value: impl Into<Value>) -> Self {
        let value = value.into();
        let value_type = match (&value, operator) {
            (Value::String(_), Operator::After | Operator::Before) => Some("datetime"),
            (Value::String(_), _) => Some("string"),
            (Value::Number(_), _) => Some("number"),
            (Value::Bool(_), _) => Some("boolean"),
            (Value::Null | Value::Array(_) | Value::Object(_), _) => None,
        };
        Self {
            field: field.into(),
            operator,
            value,
            value_type: value_type.map(str::to_owned),
        }
    }

    /// Creates a condition that a field is equal to a text.
    #[must_use]
    pub fn is(field: &str, value: &str) -> Self {
        Self::new(field, Operator::Is, value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operator_is_read_by_the_name_that_it_is_written_with() {
        for operator in Operator::ALL {
            let text = serde_json::to_string(&operator).unwrap();
            assert_eq!(text, format!("\"{}\"", operator.as_str()));
            assert_eq!(serde_json::from_str::<Operator>(&text).unwrap(), operator);
        }
        assert_eq!(Operator::find("NOT_contains"), Some(Operator::NotContains));
        assert_eq!(Operator::find("not  contains"), None);
        assert_eq!(Operator::find("_is"), None);
    }
}
