//! Reads from an event what statistics need: whether it failed, its tokens and its cost.
//!
//! Tokens and cost are searched in `metrics` first and in `metadata` after it, by the names in [`NAMES`]. A dot in a name
//! matches a nested object and a dot in the name of a member. The first name of a list that has a value is used. Values
//! that are not numbers, negative values and values beyond [`MAX_TOKENS`] and [`MAX_COST`] are ignored.

use std::fmt;

use hh_api::types::Object;
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::Refusal;
use super::event_body::EventBody;

/// The maximum number of tokens of one event.
const MAX_TOKENS: f64 = 1e12;
/// The maximum cost of one event.
const MAX_COST: f64 = 1e6;

/// What a name contains the value of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    InputTokens,
    OutputTokens,
    Cost,
}

/// The names of the values, in the order of their precedence.
const NAMES: &[(&str, Field)] = &[
    ("prompt_tokens", Field::InputTokens),
    ("input_tokens", Field::InputTokens),
    ("gen_ai.usage.input_tokens", Field::InputTokens),
    ("gen_ai.usage.prompt_tokens", Field::InputTokens),
    ("llm.usage.prompt_tokens", Field::InputTokens),
    ("llm.usage.input_tokens", Field::InputTokens),
    ("llm.token_count.prompt", Field::InputTokens),
    ("usage.prompt_tokens", Field::InputTokens),
    ("usage.input_tokens", Field::InputTokens),
    ("ai.usage.promptTokens", Field::InputTokens),
    ("ai.usage.inputTokens", Field::InputTokens),
    ("completion_tokens", Field::OutputTokens),
    ("output_tokens", Field::OutputTokens),
    ("gen_ai.usage.output_tokens", Field::OutputTokens),
    ("gen_ai.usage.completion_tokens", Field::OutputTokens),
    ("llm.usage.completion_tokens", Field::OutputTokens),
    ("llm.usage.output_tokens", Field::OutputTokens),
    ("llm.token_count.completion", Field::OutputTokens),
    ("usage.completion_tokens", Field::OutputTokens),
    ("usage.output_tokens", Field::OutputTokens),
    ("ai.usage.completionTokens", Field::OutputTokens),
    ("ai.usage.outputTokens", Field::OutputTokens),
    ("cost", Field::Cost),
    ("total_cost", Field::Cost),
    ("gen_ai.usage.cost", Field::Cost),
    ("llm.usage.cost", Field::Cost),
    ("usage.cost", Field::Cost),
];

/// Whether an event failed, its tokens and its cost.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Usage {
    pub(crate) has_error: bool,
    pub(crate) input_tokens: Option<i64>,
    pub(crate) output_tokens: Option<i64>,
    pub(crate) cost: Option<f64>,
}

impl Usage {
    /// Returns the usage of a body.
    pub(crate) fn of(body: &EventBody) -> Self {
        let mut found = Found::default();
        for members in [&body.metrics, &body.metadata] {
            found.search(members);
        }
        found.usage(body.error.is_some())
    }

    /// Returns the usage of an encoded body, without decoding its JSON into values.
    ///
    /// # Errors
    /// `Damaged` if it is not an encoded body.
    pub(crate) fn of_encoded(body: &[u8]) -> Result<Self, Refusal> {
        #[derive(Deserialize)]
        struct Members<'a> {
            error: Option<IgnoredAny>,
            #[serde(borrow)]
            metrics: Option<&'a RawValue>,
            #[serde(borrow)]
            metadata: Option<&'a RawValue>,
        }

        let damaged = |_| Refusal::Damaged("the body of an event");
        let members: Members<'_> = serde_json::from_slice(body).map_err(damaged)?;
        let mut found = Found::default();
        for member in [members.metrics, members.metadata].into_iter().flatten() {
            let mut json = serde_json::Deserializer::from_str(member.get());
            let search = Search {
                path: "",
                found: &mut found,
            };
            search.deserialize(&mut json).map_err(damaged)?;
            found.member += 1;
        }
        Ok(found.usage(members.error.is_some()))
    }
}

/// The values with the highest precedence that were found so far.
#[derive(Default)]
struct Found {
    /// The position of the object that is searched.
    member: usize,
    /// The value of each [`Field`] with its precedence, lowest first.
    values: [Option<((usize, usize), f64)>; 3],
}

impl Found {
    fn search(&mut self, members: &Object) {
        for (name, value) in members {
            let member = Member::new("", name);
            if let Some(search) = member.search(self) {
                // Reading from values in memory does not fail.
                drop(search.deserialize(value));
            }
        }
        self.member += 1;
    }

    fn set(&mut self, name: usize, field: Field, value: f64) {
        let max = match field {
            Field::Cost => MAX_COST,
            Field::InputTokens | Field::OutputTokens => MAX_TOKENS,
        };
        let rank = (self.member, name);
        if let Some(slot) = self.values.get_mut(field as usize)
            && (0.0..=max).contains(&value)
            && slot.is_none_or(|(other, _)| rank < other)
        {
            *slot = Some((rank, value));
        }
    }

    fn usage(&self, has_error: bool) -> Usage {
        let value = |field: Field| Some(self.values.get(field as usize)?.as_ref()?.1);
        #[expect(
            clippy::cast_possible_truncation,
            reason = "the value is between 0 and MAX_TOKENS"
        )]
        let tokens = |field| value(field).map(|tokens| tokens.round() as i64);
        Usage {
            has_error,
            input_tokens: tokens(Field::InputTokens),
            output_tokens: tokens(Field::OutputTokens),
            cost: value(Field::Cost),
        }
    }
}

/// The role of a member of an object.
enum Member {
    /// The member has one of the [`NAMES`], or a value of it may be below the member.
    Searched(String),
    Ignored,
}

impl Member {
    fn new(path: &str, name: &str) -> Self {
        let is_searched = |path: &str| {
            NAMES.iter().any(|(wanted, _)| {
                let rest = wanted.strip_prefix(path);
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            })
        };
        if path.is_empty() {
            return if is_searched(name) {
                Self::Searched(name.to_owned())
            } else {
                Self::Ignored
            };
        }
        let path = format!("{path}.{name}");
        if is_searched(&path) {
            Self::Searched(path)
        } else {
            Self::Ignored
        }
    }

    fn search<'a>(&'a self, found: &'a mut Found) -> Option<Search<'a>> {
        match self {
            Self::Searched(path) => Some(Search { path, found }),
            Self::Ignored => None,
        }
    }
}

/// A reader of a value that keeps the numbers with one of the [`NAMES`].
struct Search<'a> {
    path: &'a str,
    found: &'a mut Found,
}

impl Search<'_> {
    fn number(self, value: f64) {
        let name = NAMES.iter().position(|(name, _)| *name == self.path);
        if let Some(name) = name
            && let Some((_, field)) = NAMES.get(name)
        {
            self.found.set(name, *field, value);
        }
    }
}

impl<'de> DeserializeSeed<'de> for Search<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "numbers beyond 2^53 are ignored or a negligible amount off"
)]
impl<'de> Visitor<'de> for Search<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a value")
    }

    fn visit_u64<E>(self, value: u64) -> Result<(), E> {
        self.number(value as f64);
        Ok(())
    }

    fn visit_i64<E>(self, value: i64) -> Result<(), E> {
        self.number(value as f64);
        Ok(())
    }

    fn visit_f64<E>(self, value: f64) -> Result<(), E> {
        self.number(value);
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        while let Some(member) = members.next_key_seed(Name(self.path))? {
            match member.search(self.found) {
                Some(search) => members.next_value_seed(search)?,
                None => drop(members.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}

/// A reader of the name of a member below a path.
struct Name<'a>(&'a str);

impl<'de> DeserializeSeed<'de> for Name<'_> {
    type Value = Member;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Member, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Name<'_> {
    type Value = Member;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a name")
    }

    fn visit_str<E>(self, name: &str) -> Result<Member, E> {
        Ok(Member::new(self.0, name))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// Returns the usage of a body from its values, after comparing it with the usage of the encoded body.
    fn usage(metrics: Value, metadata: Value) -> Usage {
        let object = |value: Value| value.as_object().cloned().unwrap_or_default();
        let body = EventBody {
            metrics: object(metrics),
            metadata: object(metadata),
            ..EventBody::default()
        };
        let found = Usage::of(&body);
        assert_eq!(Usage::of_encoded(&body.encode().unwrap()), Ok(found));
        found
    }

    fn tokens(metadata: Value) -> (Option<i64>, Option<i64>) {
        let found = usage(Value::Null, metadata);
        (found.input_tokens, found.output_tokens)
    }

    #[test]
    fn tokens_and_cost_are_found_under_every_name_nested_or_with_dots() {
        for (name, field) in NAMES {
            let flat = json!({*name: 7});
            let nested = name
                .rsplit('.')
                .fold(json!(7), |value, part| json!({part: value}));
            let (first, rest) = name.split_once('.').unwrap_or((name, ""));
            let mixed = if rest.is_empty() {
                json!({first: 7})
            } else {
                json!({first: {rest: 7}})
            };
            for object in [flat, nested, mixed] {
                for found in [
                    usage(object.clone(), Value::Null),
                    usage(Value::Null, object.clone()),
                ] {
                    let expected = match field {
                        Field::InputTokens => (Some(7), None, None),
                        Field::OutputTokens => (None, Some(7), None),
                        Field::Cost => (None, None, Some(7.0)),
                    };
                    let found = (found.input_tokens, found.output_tokens, found.cost);
                    assert_eq!(found, expected, "{object}");
                }
            }
        }
    }

    #[test]
    fn metrics_win_over_metadata_and_earlier_names_over_later_ones() {
        let found = usage(
            json!({"usage": {"cost": 2}}),
            json!({"cost": 1, "input_tokens": 3, "prompt_tokens": 4}),
        );
        assert_eq!(found.cost, Some(2.0));
        assert_eq!(found.input_tokens, Some(4));
        // A value that is ignored does not hide another one.
        assert_eq!(
            tokens(json!({"prompt_tokens": -1, "input_tokens": 3})),
            (Some(3), None)
        );
    }

    #[test]
    fn values_that_are_no_amounts_are_ignored() {
        for odd in [
            json!(-1),
            json!("12"),
            json!(null),
            json!([1]),
            json!({"a": 1}),
            json!(true),
            json!(1e13),
            json!(-0.5),
        ] {
            let found = usage(json!({"cost": odd, "prompt_tokens": odd}), json!({}));
            assert_eq!(found, Usage::default(), "{odd}");
        }
        assert_eq!(tokens(json!({"prompt_tokens": 12.0})), (Some(12), None));
        let names = json!({"costs": 1, "gen_ai": 3, "gen_ai.usage": {"x": 2}, "usage": [], "a": {"cost": 1}});
        assert_eq!(usage(json!({}), names), Usage::default());
    }

    #[test]
    fn an_event_with_an_error_text_failed() {
        let body = EventBody {
            error: Some(String::new()),
            ..EventBody::default()
        };
        assert!(Usage::of(&body).has_error);
        assert!(
            Usage::of_encoded(&body.encode().unwrap())
                .unwrap()
                .has_error
        );
        assert_eq!(Usage::of_encoded(b"{}"), Ok(Usage::default()));
        assert!(Usage::of_encoded(b"{\"metrics\":").is_err());
    }
}
