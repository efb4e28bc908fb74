//! Selects the events and sessions of a user by a value in `user_properties`.

use hh_api::types::EventKind;
use serde_json::Value;
use uuid::Uuid;

use super::Refusal;
use super::filter::{Candidate, Filter};

/// A name and a value in `user_properties`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct UserProperty {
    name: String,
    value: Value,
    filter: Filter,
}

impl UserProperty {
    /// Parses the name and the value of a request. They are compared like a filter with the operator `is`, except that
    /// a text also equals the number that it denotes: `12e5` equals 1200000.
    pub(crate) fn parse(name: String, value: Value) -> Result<Self, Refusal> {
        if name.is_empty() {
            return Err(Refusal::Invalid(
                "user_property must be the name of a member of user_properties".to_owned(),
            ));
        }
        // Null would select everything without this property.
        if !matches!(value, Value::String(_) | Value::Number(_) | Value::Bool(_)) {
            return Err(Refusal::Invalid(
                "value must be a string, a number or a boolean".to_owned(),
            ));
        }
        let field = format!("user_properties.{name}");
        let filter = Filter::of_value(&field, &value)?;
        Ok(Self {
            name,
            value,
            filter,
        })
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn value(&self) -> &Value {
        &self.value
    }

    /// Returns whether an encoded [`EventBody`](super::event_body::EventBody) has the value.
    pub(crate) fn matches(&self, body: &[u8]) -> bool {
        self.filter.matches(&Candidate {
            id: Uuid::nil(),
            session: Uuid::nil(),
            parent: None,
            kind: EventKind::Session,
            name: "",
            project: "",
            started: 0,
            ended: 0,
            body,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_the_exact_value_of_the_property_matches() {
        let body = json!({
            "metadata": {"user_id": "u1"},
            "user_properties": {"user_id": "u2", "age": 40, "account": {"id": "a1"}, "a.b": true},
        });
        let body = body.to_string().into_bytes();
        let matches = |name: &str, value: Value| {
            let property = UserProperty::parse(name.to_owned(), value).unwrap();
            property.matches(&body)
        };
        for (name, value) in [
            ("user_id", json!("u2")),
            ("age", json!(40)),
            ("account.id", json!("a1")),
            ("a.b", json!(true)),
        ] {
            assert!(matches(name, value), "{name}");
        }
        for (name, value) in [
            ("user_id", json!("u1")),
            ("user_id", json!("u")),
            ("user_id", json!("U2")),
            ("age", json!(41)),
            ("account", json!("a1")),
            ("missing", json!("")),
        ] {
            assert!(!matches(name, value), "{name}");
        }
    }

    #[test]
    fn a_text_matches_the_number_that_it_denotes_and_no_other_text() {
        let matches = |stored: Value, text: &str| {
            let body = json!({"user_properties": {"id": stored}}).to_string();
            let property = UserProperty::parse("id".to_owned(), text.into()).unwrap();
            property.matches(body.as_bytes())
        };
        for (stored, text) in [
            (json!(42), "42"),
            (json!(42), "42.0"),
            (json!(1_200_000), "12e5"),
            (json!(1_200_000.0), "12e5"),
            (json!(1.1), "1.10"),
            (json!(1.234_567_890_123_456_8e22), "12345678901234567890123"),
            (json!("12e5"), "12e5"),
            (json!("042"), "042"),
            (json!(true), "true"),
        ] {
            assert!(matches(stored.clone(), text), "{stored} {text}");
        }
        for (stored, text) in [
            (json!(42), "042"),
            (json!(42), " 42"),
            (json!(42), "43"),
            (json!("042"), "42"),
            (json!("42.0"), "42"),
            (json!("1200000"), "12e5"),
            (json!(9_007_199_254_740_993_u64), "9007199254740992"),
        ] {
            assert!(!matches(stored.clone(), text), "{stored} {text}");
        }
    }

    #[test]
    fn a_value_that_would_select_other_events_is_rejected() {
        for (name, value) in [
            ("user_id", Value::Null),
            ("user_id", json!([])),
            ("user_id", json!({"a": 1})),
            ("", json!("u")),
            ("user_id.", json!("u")),
        ] {
            assert!(UserProperty::parse(name.to_owned(), value).is_err());
        }
    }
}
