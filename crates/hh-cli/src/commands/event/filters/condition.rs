//! Parses the conditions of `--where`.

use hh_sdk::api::types::{Filter, Operator};
use hh_sdk::auth::check_name;
use serde_json::Value;

const EXPECTED: &str = "expected FIELD OPERATOR VALUE, such as 'metadata.cost > 0.1', 'error exists' or 'event_name contains chat'";
/// Numbers of this size or more are not compared as exact numbers.
const MAX_EXACT: f64 = 9_007_199_254_740_992.0;

/// An operator of a condition.
#[derive(Clone, Copy)]
enum Comparison {
    /// An operator of the API.
    Api(Operator),
    /// The API has no such operator: a number is compared with the next smaller one.
    AtLeast,
    /// The API has no such operator: a number is compared with the next larger one.
    AtMost,
}

/// The symbols of operators, longer ones first.
const SYMBOLS: [(&str, Comparison); 8] = [
    ("==", Comparison::Api(Operator::Is)),
    ("!=", Comparison::Api(Operator::IsNot)),
    ("<>", Comparison::Api(Operator::IsNot)),
    (">=", Comparison::AtLeast),
    ("<=", Comparison::AtMost),
    ("=", Comparison::Api(Operator::Is)),
    (">", Comparison::Api(Operator::GreaterThan)),
    ("<", Comparison::Api(Operator::LessThan)),
];

/// Other names of operators, which would otherwise be read as `is` and a text.
const WORDINGS: [(&str, Comparison); 11] = [
    ("equals", Comparison::Api(Operator::Is)),
    ("is equal to", Comparison::Api(Operator::Is)),
    ("is not equal to", Comparison::Api(Operator::IsNot)),
    ("is greater than", Comparison::Api(Operator::GreaterThan)),
    ("is less than", Comparison::Api(Operator::LessThan)),
    ("is after", Comparison::Api(Operator::After)),
    ("is before", Comparison::Api(Operator::Before)),
    ("greater than or equal to", Comparison::AtLeast),
    ("is greater than or equal to", Comparison::AtLeast),
    ("less than or equal to", Comparison::AtMost),
    ("is less than or equal to", Comparison::AtMost),
];

/// Parses a condition: a field, an operator, and a value unless the operator is `exists` or `not exists`.
pub(super) fn condition(text: &str) -> Result<Filter, String> {
    let text = text.trim();
    if check_name(text).is_err() {
        return Err("expected a condition, but found an API key".to_owned());
    }
    let end = text
        .find(|c: char| c.is_whitespace() || matches!(c, '=' | '!' | '<' | '>'))
        .ok_or(EXPECTED)?;
    let (field, rest) = text.split_at(end);
    let rest = rest.trim_start();
    let (comparison, value) = match symbol(rest)? {
        Some(found) => found,
        None => named(rest).ok_or(EXPECTED)?,
    };
    let value = value.trim();
    let has_value = !matches!(
        comparison,
        Comparison::Api(Operator::Exists | Operator::NotExists)
    );
    if field.is_empty() || value.is_empty() == has_value {
        return Err(EXPECTED.to_owned());
    }
    let value = if has_value {
        value_of(value)?
    } else {
        Value::Null
    };
    let (operator, value) = match comparison {
        Comparison::Api(operator) => (operator, value),
        Comparison::AtLeast => (Operator::GreaterThan, exact(&value)?.next_down().into()),
        Comparison::AtMost => (Operator::LessThan, exact(&value)?.next_up().into()),
    };
    Ok(Filter::new(field, operator, value))
}

/// Finds a symbol at the beginning of a text, and returns the rest.
fn symbol(text: &str) -> Result<Option<(Comparison, &str)>, String> {
    let is_symbol = |c: char| matches!(c, '=' | '!' | '<' | '>' | '~');
    let end = text.find(|c| !is_symbol(c)).unwrap_or(text.len());
    let (symbol, rest) = text.split_at(end);
    if symbol.is_empty() {
        return Ok(None);
    }
    let found = SYMBOLS.iter().find(|(known, _)| *known == symbol);
    match found {
        Some((_, comparison)) if !rest.trim_start().starts_with('=') => {
            Ok(Some((*comparison, rest)))
        }
        Some(_) => Err(format!("expected a value after {symbol}, but found =")),
        None => Err(match symbol {
            "=>" => "unknown operator =>, did you mean >=?".to_owned(),
            "=<" => "unknown operator =<, did you mean <=?".to_owned(),
            _ => format!("unknown operator {symbol}"),
        }),
    }
}

/// Finds the longest operator name at the beginning of a text, and returns the rest.
fn named(text: &str) -> Option<(Comparison, &str)> {
    let names = Operator::ALL
        .into_iter()
        .map(|operator| (operator.as_str(), Comparison::Api(operator)));
    let found = names.chain(WORDINGS).filter_map(|(name, comparison)| {
        let rest = text.strip_prefix(name)?;
        let is_word = rest.is_empty() || rest.starts_with(char::is_whitespace);
        is_word.then_some((comparison, rest))
    });
    found.min_by_key(|(_, rest)| rest.len())
}

/// Returns the number of a condition that includes it.
fn exact(value: &Value) -> Result<f64, String> {
    let number = value.as_f64().filter(|number| number.abs() < MAX_EXACT);
    number.ok_or_else(|| {
        "expected a number after >= or <=; compare texts with > or <, and times with after, before, --since or --until".to_owned()
    })
}

/// Returns a number, boolean, null or quoted text as JSON, and anything else as text.
fn value_of(text: &str) -> Result<Value, String> {
    let quoted = if let Some(text) = text.strip_prefix('\'') {
        let inner = text.strip_suffix('\'');
        Some(inner.filter(|text| !text.contains('\'')).map(str::to_owned))
    } else {
        text.starts_with('"')
            .then(|| serde_json::from_str(text).ok())
    };
    if let Some(quoted) = quoted {
        let text = quoted.ok_or("expected one text in quotes, with nothing after it")?;
        return Ok(text.into());
    }
    if let Ok(value @ (Value::Null | Value::Bool(_) | Value::Number(_))) =
        serde_json::from_str(text)
    {
        return Ok(value);
    }
    let words: Vec<_> = text.split_whitespace().collect();
    if let [_, inner @ .., _] = words.as_slice() {
        let joins = |word: &str| {
            ["and", "or", "&&", "||"]
                .iter()
                .any(|other| word.eq_ignore_ascii_case(other))
        };
        if let Some(word) = inner.iter().find(|word| joins(word)) {
            return Err(format!(
                "expected one condition, but found {word}; repeat --where to combine conditions, or put the value in quotes if it is one text"
            ));
        }
    }
    Ok(text.into())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_condition_is_a_field_an_operator_and_a_value() {
        for (text, field, operator, value) in [
            (
                "metadata.cost > 0.1",
                "metadata.cost",
                Operator::GreaterThan,
                json!(0.1),
            ),
            (
                "metadata.cost<5",
                "metadata.cost",
                Operator::LessThan,
                json!(5),
            ),
            ("event_name=chat", "event_name", Operator::Is, json!("chat")),
            (
                "event_name == \"7\"",
                "event_name",
                Operator::Is,
                json!("7"),
            ),
            (
                "metadata.ok != true",
                "metadata.ok",
                Operator::IsNot,
                json!(true),
            ),
            ("error exists", "error", Operator::Exists, Value::Null),
            (
                "error not exists",
                "error",
                Operator::NotExists,
                Value::Null,
            ),
            (
                "inputs.q not contains a b",
                "inputs.q",
                Operator::NotContains,
                json!("a b"),
            ),
            ("source is not dev", "source", Operator::IsNot, json!("dev")),
            (
                "source is notable",
                "source",
                Operator::Is,
                json!("notable"),
            ),
            (
                "start_time after 2026-01-01",
                "start_time",
                Operator::After,
                json!("2026-01-01"),
            ),
        ] {
            let filter = condition(text).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(
                (filter.field.as_str(), filter.operator),
                (field, operator),
                "{text}"
            );
            assert_eq!(filter.value, value, "{text}");
        }
        for text in [
            "",
            "cost",
            "> 5",
            "cost >",
            "cost about 5",
            "error exists now",
            "cost isnt 5",
        ] {
            assert!(condition(text).is_err(), "{text}");
        }
    }

    #[test]
    fn every_spelling_of_an_operator_compares_as_it_reads() {
        for (text, operator, value) in [
            ("metadata.n == 5", Operator::Is, json!(5)),
            ("metadata.n <> 5", Operator::IsNot, json!(5)),
            (
                "metadata.n is greater than 5",
                Operator::GreaterThan,
                json!(5),
            ),
            ("metadata.n is less than 5", Operator::LessThan, json!(5)),
            ("metadata.n is equal to 5", Operator::Is, json!(5)),
            ("metadata.n is not equal to 5", Operator::IsNot, json!(5)),
            ("source = 'gpt 4'", Operator::Is, json!("gpt 4")),
            ("source = ' and '", Operator::Is, json!(" and ")),
            (
                "source = \"salt and pepper\"",
                Operator::Is,
                json!("salt and pepper"),
            ),
            (
                "source contains salt & pepper",
                Operator::Contains,
                json!("salt & pepper"),
            ),
        ] {
            let filter = condition(text).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!((filter.operator, filter.value), (operator, value), "{text}");
        }
        for text in [
            "n => 5",
            "n =< 5",
            "n === 5",
            "n =~ 5",
            "n < = 5",
            "source >= b",
            "start_time <= 2026-01-01",
            "n >= 9007199254740993",
            "source = a and n > 5",
            "source = \"a\" and source = \"b\"",
            "source = 'a' or source = 'b'",
            "source = a OR b",
            "source = 'a",
            "source = \"a",
        ] {
            assert!(condition(text).is_err(), "{text}");
        }
    }

    #[test]
    fn at_least_and_at_most_include_the_number() {
        for number in [0.0, 0.1, 0.5, 5.0, -3.0, 1e-9, 123_456_789.25] {
            let at_least = condition(&format!("n>={number}")).unwrap();
            let at_most = condition(&format!("n is less than or equal to {number}")).unwrap();
            assert_eq!(at_least.operator, Operator::GreaterThan);
            assert_eq!(at_most.operator, Operator::LessThan);
            // Not the value itself, because the text of the value is sent.
            let sent = |filter: &Filter| filter.value.to_string().parse::<f64>().unwrap();
            let (below, above) = (sent(&at_least), sent(&at_most));
            assert!(below < number && number < above, "{below} {number} {above}");
            assert_eq!((below.next_up(), above.next_down()), (number, number));
        }
    }
}
