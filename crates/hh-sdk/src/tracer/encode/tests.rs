use std::collections::BTreeMap;

use hh_api::attributes::{NoLimits, SpanFields, map_span};
use hh_api::otlp::{Origin, SpanSink, decode_scope_spans};
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, KeyValue, KeyValueList};
use opentelemetry_proto::tonic::trace::v1::{ScopeSpans, Span};
use proptest::prelude::*;
use prost::Message as _;
use serde::Serializer;
use serde::ser::{SerializeMap as _, SerializeSeq as _, SerializeStruct as _};
use serde_json::json;

use super::encoder::TOO_DEEP;
use super::*;
use crate::tracer::wire::VALUE as VALUE_TAG;

fn redactor() -> Redactor {
    let key = hh_auth::ApiKey::parse("hh_my_own_key").unwrap();
    Redactor::fixed(vec![key])
}

fn encoded(value: impl Serialize) -> AnyValue {
    // The value follows other bytes, as in a span.
    let mut out = vec![VALUE_TAG; 300];
    put_value(&mut out, &redactor(), &value);
    AnyValue::decode(&out[300..]).unwrap()
}

/// Decodes a value like the in-memory exporter and the server.
fn read(value: impl Serialize) -> Value {
    let span = Span {
        attributes: vec![KeyValue {
            key: "honeyhive_inputs.value".to_owned(),
            value: Some(encoded(value)),
            ..KeyValue::default()
        }],
        trace_id: vec![1; 16],
        span_id: vec![1; 8],
        ..Span::default()
    };
    let spans = ScopeSpans {
        spans: vec![span],
        ..ScopeSpans::default()
    };
    let mut read = Fields(None);
    let body = spans.encode_to_vec();
    let Ok(()) = decode_scope_spans(&body, &Origin::of_tracer(), &mut read);
    read.0.unwrap().inputs.remove("value").unwrap()
}

/// The fields of the last span.
struct Fields(Option<SpanFields>);

impl SpanSink for Fields {
    type Error = std::convert::Infallible;

    fn span(&mut self, origin: &Origin, span: hh_api::otlp::Span) -> Result<(), Self::Error> {
        let Ok(fields) = map_span(span, origin, &mut NoLimits);
        self.0 = Some(fields);
        Ok(())
    }

    fn reject(&mut self, reason: &'static str) {
        panic!("{reason}");
    }
}

fn as_json(value: impl Serialize) -> Value {
    to_json(&redactor(), &value)
}

/// Returns a JSON value as OTLP.
fn any_of(value: &Value) -> AnyValue {
    let value = match value {
        Value::Null => None,
        Value::Bool(flag) => Some(Any::BoolValue(*flag)),
        Value::Number(number) => Some(match (number.as_i64(), number.as_f64()) {
            (Some(integer), _) => Any::IntValue(integer),
            (None, Some(float)) if !number.is_u64() => Any::DoubleValue(float),
            _ => Any::StringValue(number.to_string()),
        }),
        Value::String(text) => Some(Any::StringValue(text.clone())),
        Value::Array(items) => Some(Any::ArrayValue(ArrayValue {
            values: items.iter().map(any_of).collect(),
        })),
        Value::Object(members) => Some(Any::KvlistValue(KeyValueList {
            values: members
                .iter()
                .map(|(key, value)| KeyValue {
                    key: key.clone(),
                    value: Some(any_of(value)),
                    ..KeyValue::default()
                })
                .collect(),
        })),
    };
    AnyValue { value }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[^_]{0,40}".prop_map(Value::from),
        "[a-z]{100,300}".prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 48, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::hash_map("[^_]{0,9}", inner, 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn any_json_value_is_encoded_as_it_is(value in any_json()) {
        prop_assert_eq!(encoded(&value), any_of(&value));
        prop_assert_eq!(as_json(&value), value);
    }
}

#[derive(Serialize)]
enum Shape {
    Point,
    Circle(f32),
    Line(u8, char),
    Box { width: Option<i8>, height: () },
}

#[derive(Serialize)]
struct EveryType {
    shapes: Vec<Shape>,
    by_number: BTreeMap<i32, bool>,
    by_flag: BTreeMap<bool, &'static str>,
    by_character: BTreeMap<char, [u16; 2]>,
    large: (u64, i64, i128, u128),
    not_finite: [f64; 3],
    bytes: &'static [u8],
}

#[test]
fn every_type_is_encoded_as_serde_json_does() {
    let everything = EveryType {
        shapes: vec![
            Shape::Point,
            Shape::Circle(0.5),
            Shape::Line(255, '\u{1f980}'),
            Shape::Box {
                width: Some(-1),
                height: (),
            },
        ],
        by_number: BTreeMap::from([(-1, true), (7, false)]),
        by_flag: BTreeMap::from([(true, "yes")]),
        by_character: BTreeMap::from([('x', [1, 65_535])]),
        large: (u64::MAX, i64::MIN, -5, u64::MAX.into()),
        not_finite: [f64::NAN, f64::INFINITY, -0.0],
        bytes: &[0, 255],
    };
    let expected = serde_json::to_value(&everything).unwrap();
    assert_eq!(as_json(&everything), expected);
    // Objects are sorted in JSON, and not in OTLP.
    let mut expected = expected;
    expected["large"][0] = json!("18446744073709551615");
    expected["large"][3] = json!("18446744073709551615");
    assert_eq!(read(&everything), expected);
    assert_eq!(as_json(u128::MAX), json!(u128::MAX.to_string()));
    assert_eq!(as_json(i128::MIN), json!(i128::MIN.to_string()));
}

#[derive(Clone, Copy, Debug)]
enum Form {
    List,
    Map,
    Struct,
    Option,
    Newtype,
    Variant,
    Mixed,
}

/// A value with this number of levels.
#[derive(Clone, Copy)]
struct NestedValue(Form, u32);

impl Serialize for NestedValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(form, left) = *self;
        let Some(left) = left.checked_sub(1) else {
            return serializer.serialize_str("bottom");
        };
        let below = &Self(form, left);
        match form {
            Form::List => {
                let mut list = serializer.serialize_seq(Some(1))?;
                list.serialize_element(below)?;
                list.end()
            }
            Form::Map => {
                let mut map = serializer.serialize_map(None)?;
                map.serialize_entry("a", below)?;
                map.end()
            }
            Form::Struct => {
                let mut object = serializer.serialize_struct("NestedValue", 2)?;
                object.serialize_field("below", below)?;
                object.serialize_field("after", &1)?;
                object.end()
            }
            Form::Option => serializer.serialize_some(below),
            Form::Newtype => serializer.serialize_newtype_struct("NestedValue", below),
            Form::Variant => {
                serializer.serialize_newtype_variant("NestedValue", 0, "variant", below)
            }
            Form::Mixed => match left % 3 {
                0 => Some(below).serialize(serializer),
                1 => [below].serialize(serializer),
                _ => BTreeMap::from([("a", below)]).serialize(serializer),
            },
        }
    }
}

const FORMS: [Form; 7] = [
    Form::List,
    Form::Map,
    Form::Struct,
    Form::Option,
    Form::Newtype,
    Form::Variant,
    Form::Mixed,
];

#[test]
fn a_value_of_a_hundred_thousand_levels_is_cut_off() {
    for form in FORMS {
        for value in [
            encoded(NestedValue(form, 100_000)).encode_to_vec(),
            as_json(NestedValue(form, 100_000)).to_string().into_bytes(),
        ] {
            let text = String::from_utf8_lossy(&value);
            assert!(text.contains(TOO_DEEP), "{form:?}: {text}");
            assert!(!text.contains("bottom"), "{form:?}");
        }
    }
}

#[test]
fn levels_up_to_the_limit_are_kept_and_deep_ones_are_a_text() {
    for form in FORMS {
        for levels in [1, 23, 24, 25, 26, 40, 63, 64] {
            let deep = NestedValue(form, levels);
            let plain = serde_json::to_value(deep).unwrap();
            assert_eq!(as_json(deep), plain, "{form:?} {levels}");
            let mut value = read(deep);
            // The rest is JSON in a text.
            expand(&mut value);
            assert_eq!(value, plain, "{form:?} {levels}");
        }
    }
}

/// Parses texts that contain JSON.
fn expand(value: &mut Value) {
    match value {
        Value::String(text) if text.starts_with(['[', '{']) => {
            *value = serde_json::from_str(text).unwrap();
        }
        Value::Array(items) => items.iter_mut().for_each(expand),
        Value::Object(members) => members.values_mut().for_each(expand),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn keys_are_removed_from_texts_and_names_at_every_level() {
    let key = "hh_1234567890abcdef1234567890abcdef";
    for levels in [0, 3, 24, 40] {
        let mut value = json!({ key: [key, format!("it is {key}"), "hh_my_own_key", 'h'] });
        for _ in 0..levels {
            value = json!([value]);
        }
        for text in [
            String::from_utf8_lossy(&encoded(&value).encode_to_vec()).into_owned(),
            as_json(&value).to_string(),
        ] {
            assert!(!text.contains("hh_"), "{levels}: {text}");
            assert_eq!(text.matches("[redacted]").count(), 4, "{levels}: {text}");
        }
    }
}

/// A value that fails or misuses the serializer inside other values.
struct FailingValue(u8);

impl Serialize for FailingValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            0 => Err(serde::ser::Error::custom("it is broken")),
            1 => {
                let mut map = serializer.serialize_map(None)?;
                map.serialize_value(&1)?;
                map.end()
            }
            2 => BTreeMap::from([(vec![1], 2)]).serialize(serializer),
            3 => BTreeMap::from([(None::<u8>, 2)]).serialize(serializer),
            4 => {
                let mut map = serializer.serialize_map(None)?;
                map.serialize_key("key")?;
                map.end()
            }
            _ => {
                let mut map = serializer.serialize_map(None)?;
                map.serialize_key("key")?;
                map.serialize_key("other")?;
                map.serialize_value(&1)?;
                map.end()
            }
        }
    }
}

#[test]
fn a_value_that_cannot_be_serialized_is_named_and_breaks_nothing() {
    for kind in 0..4 {
        let value = json!(NOT_SERIALIZABLE);
        let nested = [(Some(1), None), (None, Some([FailingValue(kind)]))];
        assert_eq!(encoded(&nested), any_of(&value), "{kind}");
        assert_eq!(as_json(&nested), value, "{kind}");
    }
    // The rest of the output is well formed.
    for kind in 4..6 {
        encoded([FailingValue(kind), FailingValue(kind)]);
        as_json([FailingValue(kind), FailingValue(kind)]);
    }
}

/// The structs that `serde_json` serializes for numbers of arbitrary precision and raw JSON.
struct Private(&'static str, &'static str);

impl Serialize for Private {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct(self.0, 1)?;
        object.serialize_field(self.0, self.1)?;
        object.end()
    }
}

#[test]
fn numbers_of_any_precision_and_raw_json_keep_their_types() {
    let number = "$serde_json::private::Number";
    for (text, expected) in [
        ("1", json!(1)),
        ("-7", json!(-7)),
        ("1.5", json!(1.5)),
        ("18446744073709551615", json!(u64::MAX)),
        ("1e400", json!("1e400")),
    ] {
        let value = [Private(number, text)];
        assert_eq!(as_json(&value), json!([expected]));
        assert_eq!(encoded(&value), any_of(&json!([expected])));
    }
    let raw = "$serde_json::private::RawValue";
    for text in ["null", "\"text\"", " [1, {\"a\": 2.5}] ", "true"] {
        let expected: Value = serde_json::from_str(text).unwrap();
        let value = [Private(raw, text)];
        assert_eq!(as_json(&value), json!([expected]));
        assert_eq!(encoded(&value), any_of(&json!([expected])));
    }
    assert_eq!(as_json(Private(raw, "{")), json!(NOT_SERIALIZABLE));
}
