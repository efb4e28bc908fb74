//! Compares filters with a simple model, which evaluates them on the values of the rendered event.

#![expect(clippy::wildcard_enum_match_arm, reason = "keeps the model short")]

use std::cmp::Ordering;

use hh_api::to_millis;
use hh_api::types::Operator;
use proptest::prelude::*;
use serde_json::{Map, json};

use super::date::parse_time;
use super::*;
use crate::domain::event_body::{EventBody, from_millis};

const ID: &str = "6ba7b810-9dad-41d1-80b4-00c04fd430c8";
const OTHER: &str = "01234567-89ab-4def-8123-456789abcdef";
const OBJECTS: [&str; 7] = [
    "config",
    "inputs",
    "outputs",
    "metadata",
    "metrics",
    "feedback",
    "user_properties",
];

/// An event with its columns.
#[derive(Clone, Debug)]
struct Sample {
    parent: Option<Uuid>,
    kind: EventKind,
    name: String,
    started: i64,
    ended: i64,
    body: EventBody,
}

impl Sample {
    fn matches(&self, filter: &Filter) -> bool {
        filter.matches(&self.candidate(&self.body.encode().unwrap()))
    }

    fn candidate<'a>(&'a self, body: &'a [u8]) -> Candidate<'a> {
        Candidate {
            id: Uuid::parse_str(ID).unwrap(),
            session: Uuid::parse_str(OTHER).unwrap(),
            parent: self.parent,
            kind: self.kind,
            name: &self.name,
            project: "p1",
            started: self.started,
            ended: self.ended,
            body,
        }
    }

    fn is_found(&self, plan: &Plan) -> bool {
        plan.finds(&self.candidate(b""), self.body.error.is_some())
    }

    /// Returns the event as clients receive it.
    fn rendered(&self) -> Value {
        let mut event = serde_json::to_value(&self.body).unwrap();
        let columns = json!({
            "event_id": ID,
            "session_id": OTHER,
            "event_type": self.kind.as_str(),
            "event_name": self.name,
            "project_id": "p1",
            "start_time": to_millis(self.started),
            "end_time": to_millis(self.ended),
            "duration": to_millis(self.ended - self.started),
        });
        let members = event.as_object_mut().unwrap();
        members.extend(columns.as_object().unwrap().clone());
        members.entry("source").or_insert("unknown".into());
        if let Some(parent) = self.parent {
            members.insert("parent_id".to_owned(), json!(parent));
        }
        event
    }
}

/// Returns the values at a path.
fn values<'a>(value: &'a Value, path: &str) -> Vec<&'a Value> {
    match value {
        Value::Object(members) => {
            let mut found = Vec::new();
            for (name, member) in members {
                if path == name {
                    found.push(member);
                } else if let Some(rest) = path.strip_prefix(&format!("{name}.")) {
                    found.extend(values(member, rest));
                }
            }
            found
        }
        Value::Array(elements) => {
            let (first, rest) = path
                .split_once('.')
                .map_or((path, None), |(first, rest)| (first, Some(rest)));
            if !first.is_empty() && first.chars().all(|c| c.is_ascii_digit()) {
                let element = first.parse::<usize>().ok().and_then(|at| elements.get(at));
                match (element, rest) {
                    (Some(element), Some(rest)) => values(element, rest),
                    (Some(element), None) => vec![element],
                    (None, _) => Vec::new(),
                }
            } else {
                elements
                    .iter()
                    .flat_map(|element| values(element, path))
                    .collect()
            }
        }
        _ => Vec::new(),
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        _ => None,
    }
}

/// Compares two numbers, which can be numbers in texts.
fn numbers(one: &Value, other: &Value) -> Option<Ordering> {
    let parse = |value: &Value| match value {
        Value::Number(_) => Some(value.clone()),
        Value::String(text) => serde_json::from_str(text.trim())
            .ok()
            .filter(Value::is_number),
        _ => None,
    };
    let (one, other) = (parse(one)?, parse(other)?);
    let whole = |value: &Value| {
        value
            .as_i64()
            .map(i128::from)
            .or(value.as_u64().map(i128::from))
    };
    match (whole(&one), whole(&other)) {
        (Some(one), Some(other)) => Some(one.cmp(&other)),
        _ => one.as_f64()?.partial_cmp(&other.as_f64()?),
    }
}

fn compare(stored: &Value, wanted: &Value, value_type: &str) -> Option<Ordering> {
    match value_type {
        "string" => Some(text(stored)?.cmp(&text(wanted)?)),
        "number" => numbers(stored, wanted),
        "boolean" => {
            let parse = |value: &Value| text(value)?.parse::<bool>().ok();
            Some(parse(stored)?.cmp(&parse(wanted)?))
        }
        "datetime" => {
            let parse = |value: &Value| match value {
                Value::String(text) => parse_time(text),
                value => value.as_f64(),
            };
            parse(stored)?.partial_cmp(&parse(wanted)?)
        }
        "id" => {
            let parse = |value: &Value| Uuid::parse_str(&text(value)?).ok();
            match parse(wanted) {
                Some(wanted) => Some(parse(stored)?.cmp(&wanted)),
                None => Some(text(stored)?.cmp(&text(wanted)?)),
            }
        }
        other => panic!("{other}"),
    }
}

/// Returns the type in which a condition compares.
fn type_of(filter: &types::Filter) -> String {
    let own = match filter.value {
        Value::Number(_) => "number",
        Value::Bool(_) => "boolean",
        _ => "string",
    };
    let declared = filter.value_type.as_deref().unwrap_or(own);
    match (filter.field.as_str(), filter.operator) {
        (_, Operator::After | Operator::Before) | ("start_time" | "end_time", _) => "datetime",
        ("duration", _) => "number",
        ("event_id" | "session_id" | "parent_id", Operator::Contains | Operator::NotContains) => {
            own
        }
        ("event_id" | "session_id" | "parent_id", _) => "id",
        ("event_type" | "event_name" | "project_id", _) => "string",
        (_, Operator::Contains | Operator::NotContains) if declared == "id" => own,
        _ => declared,
    }
    .to_owned()
}

/// Evaluates a valid condition.
fn expected(event: &Value, filter: &types::Filter) -> bool {
    let mut found = values(event, &filter.field);
    if OBJECTS.contains(&filter.field.as_str()) {
        found.retain(|value| value.as_object().is_some_and(|members| !members.is_empty()));
    }
    let (wanted, value_type) = (&filter.value, type_of(filter));
    let exists = || found.iter().any(|value| !value.is_null());
    let is = |order: fn(Ordering) -> bool| {
        let mut found = found.iter();
        found.any(|value| compare(value, wanted, &value_type).is_some_and(order))
    };
    let contains = || {
        found.iter().any(|value| match value {
            Value::Array(elements) => elements
                .iter()
                .any(|element| compare(element, wanted, &value_type) == Some(Ordering::Equal)),
            Value::Object(members) => {
                value_type == "string" && members.contains_key(&text(wanted).unwrap())
            }
            value if value_type == "string" => {
                text(value).is_some_and(|stored| stored.contains(&text(wanted).unwrap()))
            }
            value => compare(value, wanted, &value_type) == Some(Ordering::Equal),
        })
    };
    match filter.operator {
        Operator::Exists => exists(),
        Operator::NotExists => !exists(),
        Operator::Is if wanted.is_null() => !exists(),
        Operator::IsNot if wanted.is_null() => exists(),
        Operator::Is => is(Ordering::is_eq),
        Operator::IsNot => !is(Ordering::is_eq),
        Operator::Contains => contains(),
        Operator::NotContains => !contains(),
        Operator::GreaterThan | Operator::After => is(Ordering::is_gt),
        Operator::LessThan | Operator::Before => is(Ordering::is_lt),
        other => panic!("{other:?}"),
    }
}

fn scalar() -> impl Strategy<Value = Value> {
    prop::sample::select(vec![
        Value::Null,
        json!(true),
        json!(false),
        json!("true"),
        json!(0),
        json!(-0.0),
        json!(1),
        json!(1.0),
        json!(1.5),
        json!(-7),
        json!(9_007_199_254_740_993_i64),
        json!(9_007_199_254_740_992_i64),
        json!(u64::MAX),
        json!(1e300),
        json!("1"),
        json!("1.0"),
        json!(" 1 "),
        json!(""),
        json!("a"),
        json!("ab"),
        json!("Ab"),
        json!("unknown"),
        json!("chat"),
        json!("model"),
        json!("p1"),
        json!(ID),
        json!(ID.to_uppercase()),
        json!(OTHER),
        json!("2024-01-01"),
        json!("2024-01-01T00:00:00Z"),
        json!("2024-01-01T01:00:00+01:00"),
        json!("2024-01-01 00:00:01"),
        json!(1_704_067_200_000_i64),
        json!("1704067200000"),
        json!("\u{1f41d} \"quoted\" \\"),
    ])
}

fn value() -> impl Strategy<Value = Value> {
    let name = prop::sample::select(vec!["a", "b", "a.b", "b.a", "0", "1", "", "a."]);
    scalar().prop_recursive(3, 12, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            prop::collection::btree_map(name.clone().prop_map(str::to_owned), inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn object() -> impl Strategy<Value = Map<String, Value>> {
    let name = prop::sample::select(vec!["a", "b", "a.b", "a.b.a", "0"]).prop_map(str::to_owned);
    prop::collection::btree_map(name, value(), 0..4)
        .prop_map(|members| members.into_iter().collect())
}

fn sample() -> impl Strategy<Value = Sample> {
    let base = 1_704_067_200_000_000_000_i64;
    let times = (
        -2..3_i64,
        prop::sample::select(vec![0, 1_000_000_i64, 1_500_000, 7_123_456]),
    );
    let name = prop::sample::select(vec!["chat", "ab", "a", "", "\u{1f41d}"]);
    let source = prop::sample::select(vec!["", "ab", "unknown"]);
    let error = prop::option::of(prop::sample::select(vec!["ab", "", "1"]));
    let columns = (
        prop::option::of(Just(Uuid::from_u128(1))),
        0..4_usize,
        name,
        times,
    );
    (columns, source, error, (object(), object(), object())).prop_map(
        move |(
            (parent, kind, name, (second, length)),
            source,
            error,
            (metadata, inputs, metrics),
        )| {
            let started = base + second * 1_000_000_000;
            Sample {
                parent,
                kind: EventKind::ALL[kind],
                name: name.to_owned(),
                started,
                ended: started + length,
                body: EventBody {
                    source: source.to_owned(),
                    error: error.map(str::to_owned),
                    metadata,
                    inputs,
                    metrics,
                    ..EventBody::default()
                },
            }
        },
    )
}

fn filter() -> impl Strategy<Value = types::Filter> {
    let column = prop::sample::select(vec![
        "event_id",
        "session_id",
        "parent_id",
        "event_type",
        "event_name",
        "source",
        "project_id",
        "start_time",
        "end_time",
        "duration",
        "error",
    ])
    .prop_map(str::to_owned);
    let part = prop::sample::select(vec!["a", "b", "0", "1", "a.b", "", "x"]);
    let path = (
        prop::sample::select(vec!["metadata", "inputs", "metrics", "feedback"]),
        prop::collection::vec(part, 0..4),
    )
        .prop_map(|(object, parts)| [&[object][..], &parts].concat().join("."));
    let value_type = prop::option::of(prop::sample::select(vec![
        "string", "number", "boolean", "datetime", "id",
    ]));
    let operator = prop::sample::select(Operator::ALL.to_vec());
    let field = prop_oneof![1 => column, 3 => path];
    (field, operator, scalar(), value_type).prop_map(|(field, operator, value, value_type)| {
        types::Filter {
            field,
            operator,
            value,
            value_type: value_type.map(str::to_owned),
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn a_filter_selects_what_the_model_selects(
        sample in sample(), filters in prop::collection::vec(filter(), 1..3),
    ) {
        let valid: Vec<_> = filters
            .into_iter()
            .filter(|one| Filter::parse(std::slice::from_ref(one), None).is_ok())
            .collect();
        let parsed = Filter::parse(&valid, None).unwrap();
        let event = sample.rendered();
        let wanted = valid.iter().all(|filter| expected(&event, filter));
        prop_assert_eq!(sample.matches(&parsed), wanted, "{:?} {}", valid, event);

        let plan = parsed.plan();
        prop_assert!(!wanted || sample.is_found(&plan), "{:?}", plan);
        if plan.is_complete {
            prop_assert_eq!(sample.is_found(&plan), wanted, "{:?}", plan);
        }
    }

    #[test]
    fn an_index_finds_exactly_the_times_of_a_range(
        millis in prop_oneof![
            (0..100_000_u32).prop_map(|number| 1_704_110_400_000.0 + f64::from(number) / 1024.0),
            -1e4..1e4_f64,
            -1e13..1e13_f64,
        ],
        near in -3000..3000_i64,
        name in prop::sample::select(vec!["$gte", "$gt", "$lte", "$lt"]),
        operator in prop::sample::select(vec![Operator::After, Operator::Before, Operator::Is]),
    ) {
        let sample = plain(from_millis(millis).saturating_add(near));
        let mut filter = types::Filter::is("start_time", "");
        (filter.operator, filter.value) = (operator, json!(millis));
        for filter in [
            parse(json!([]), &json!({name: millis})).unwrap(),
            Filter::parse(&[filter], None).unwrap(),
        ] {
            let plan = filter.plan();
            prop_assert!(plan.is_complete);
            prop_assert_eq!(sample.is_found(&plan), sample.matches(&filter), "{:?}", plan);
        }
    }
}

fn parse(filters: Value, range: &Value) -> Result<Filter, String> {
    let filters: Vec<types::Filter> = serde_json::from_value(filters).unwrap();
    Filter::parse(&filters, Some(range)).map_err(|error| error.to_string())
}

fn plain(started: i64) -> Sample {
    Sample {
        parent: None,
        kind: EventKind::Model,
        name: "chat".to_owned(),
        started,
        ended: started,
        body: EventBody::default(),
    }
}

#[test]
fn a_range_is_read_in_every_spelling() {
    let noon = 1_704_110_400_000_000_000;
    let is_in = |range: Value, nanos| {
        let filter = parse(json!([]), &range).unwrap_or_else(|error| panic!("{range}: {error}"));
        let found = plain(nanos).matches(&filter);
        let plan = filter.plan();
        assert!(plan.is_complete, "{range}");
        assert_eq!(plain(nanos).is_found(&plan), found, "{range}");
        found
    };
    for (range, at_noon, later) in [
        (json!({}), true, true),
        (Value::Null, true, true),
        (json!({"$gte": "2024-01-01T12:00:00Z"}), true, true),
        (json!({"$gt": "2024-01-01T12:00:00Z"}), false, true),
        (json!({"$lte": "2024-01-01T12:00:00Z"}), true, false),
        (json!({"$lt": "2024-01-01T12:00:00Z"}), false, false),
        (
            json!({"$gte": "2024-01-01", "$lte": "2024-01-02"}),
            true,
            true,
        ),
        (json!({"$gte": "2024-01-02", "$lte": null}), false, false),
        (
            json!({"gte": "2024-01-01", "lte": "2024-01-01T12:00:00Z"}),
            true,
            false,
        ),
        (
            json!({"gt": "2024-01-01T12:00:00Z", "lt": "2024-01-02"}),
            false,
            true,
        ),
        (
            json!({"start_time": "2024-01-01T13:00:00+01:00", "end_time": "2024-01-01T12:00:00"}),
            true,
            false,
        ),
        (
            json!({"$gte": 1_704_110_400_000_i64, "$lte": 1_704_110_400_000_i64}),
            true,
            false,
        ),
        (json!({"$gte": "1704110400000.5"}), false, true),
        (
            json!("{'$gte': '2024-01-01', '$lte': '2024-01-01 12:00'}"),
            true,
            false,
        ),
        (
            json!("{\"$gt\": \"2024-01-01\", \"$lt\": null}"),
            true,
            true,
        ),
        (json!("{'$lt': None}"), true, true),
    ] {
        assert_eq!(is_in(range.clone(), noon), at_noon, "{range}");
        assert_eq!(is_in(range.clone(), noon + 1_000_000_000), later, "{range}");
    }
    for range in [
        json!([]),
        json!(1),
        json!("soon"),
        json!({"$gte": "soon"}),
        json!({"$gte": true}),
        json!({"$eq": "2024-01-01"}),
        json!({"$gte": "2024-01-01", "start_time": "2024-01-01"}),
        json!({"$gte": "2024-01-01", "gte": "2024-01-01"}),
    ] {
        assert!(parse(json!([]), &range).is_err(), "{range}");
    }
}

#[test]
fn a_condition_that_cannot_be_evaluated_is_refused_with_the_reason() {
    let error = |filter: Value| parse(json!([filter]), &Value::Null).unwrap_err();
    let messages = [
        json!({"field": "cost", "operator": "is", "value": 1}),
        json!({"field": "metadata.", "operator": "is", "value": 1}),
        json!({"field": "metadata.a", "operator": "is", "value": 1, "type": "text"}),
        json!({"field": "metadata.a", "operator": "contains", "value": null}),
        json!({"field": "metadata.a", "operator": "is", "value": "one", "type": "number"}),
        json!({"field": "metadata.a", "operator": "is", "value": 1, "type": "boolean"}),
        json!({"field": "metadata.a", "operator": "after", "value": "soon"}),
        json!({"field": "metadata.a", "operator": "is", "value": {"b": 1}}),
        json!({"field": "event_type", "operator": "is not", "value": "run"}),
        json!({"field": "start_time", "operator": "contains", "value": "2024"}),
    ]
    .map(error)
    .join("\n");
    insta::assert_snapshot!(messages, @r#"
    unknown field of a filter; use a member of an event, or a path below config, inputs, outputs, metadata, metrics, feedback, user_properties
    unknown field of a filter; use a member of an event, or a path below config, inputs, outputs, metadata, metrics, feedback, user_properties
    the type of a filter must be one of string, number, boolean, datetime, id
    the value of a filter must be a string, a number or a boolean
    the value of a filter must be a number
    the value of a filter must be true or false
    the value of a filter must be an ISO 8601 time or a number of Unix milliseconds
    the value of a filter must be a string, a number or a boolean
    event_type must be one of session, chain, model, tool
    start_time cannot be compared with "contains"
    "#);
}

#[test]
fn filters_that_an_index_decides_need_no_other_evaluation() {
    let filter = |field: &str, value: &str| types::Filter::is(field, value);
    let plan = |filters: &[types::Filter]| Filter::parse(filters, None).unwrap().plan();
    let mut error = filter("error", "");
    error.operator = Operator::Exists;
    let all = plan(&[
        filter("session_id", ID),
        filter("event_type", "model"),
        filter("event_name", "chat"),
        filter("start_time", "2024-01-01"),
        error,
    ]);
    assert!(all.is_complete && !all.is_empty && all.has_error);
    assert_eq!(all.session, Some(Uuid::parse_str(ID).unwrap()));
    assert_eq!(all.kind, Some(EventKind::Model));
    assert_eq!(all.name.as_deref(), Some("chat"));
    // A float of milliseconds has a precision of less than a microsecond.
    let distance = all.from.unwrap().abs_diff(1_704_067_200_000_000_000);
    assert!(distance < 1000, "{distance}");
    for contradiction in [
        [filter("session_id", ID), filter("session_id", OTHER)],
        [filter("event_type", "model"), filter("event_type", "tool")],
        [filter("event_name", "chat"), filter("event_name", "search")],
        [
            filter("start_time", "2024-01-01"),
            filter("start_time", "2024-01-02"),
        ],
    ] {
        assert!(plan(&contradiction).is_empty, "{contradiction:?}");
    }
    let failed = plan(&[filter("error", "timeout")]);
    assert!(failed.has_error && !failed.is_complete);
    assert!(!plan(&[filter("metadata.model", "m")]).is_complete);
}
