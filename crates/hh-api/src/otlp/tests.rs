use std::convert::Infallible;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{
    AnyValue, ArrayValue, InstrumentationScope, KeyValue, KeyValueList,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{self as proto, ResourceSpans, ScopeSpans};
use proptest::prelude::*;
use prost::Message as _;
use serde_json::{Value, json};

use super::*;
use crate::odd_values::{odd_json, odd_values};

/// Collects spans and the reasons of rejections.
#[derive(Debug, Default, PartialEq)]
struct Collected {
    spans: Vec<(Origin, Span)>,
    rejected: Vec<&'static str>,
}

impl SpanSink for Collected {
    type Error = Infallible;

    fn span(&mut self, origin: &Origin, span: Span) -> Result<(), Infallible> {
        self.spans.push((origin.clone(), span));
        Ok(())
    }

    fn reject(&mut self, reason: &'static str) {
        self.rejected.push(reason);
    }
}

type Decoded = Result<Collected, DecodeSpansError<Infallible>>;

fn from_json(body: impl AsRef<[u8]>) -> Decoded {
    let mut collected = Collected::default();
    decode_json(body.as_ref(), &mut collected).map(|()| collected)
}

fn from_protobuf(body: &[u8]) -> Decoded {
    let mut collected = Collected::default();
    decode_protobuf(body, &mut collected).map(|()| collected)
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

/// Returns an attribute value in the JSON encoding of OTLP.
fn json_of(value: &AnyValue) -> Value {
    match &value.value {
        None => json!({}),
        Some(Any::StringValue(text)) => json!({"stringValue": text}),
        Some(Any::BoolValue(flag)) => json!({"boolValue": flag}),
        Some(Any::IntValue(number)) => json!({"intValue": number.to_string()}),
        Some(Any::DoubleValue(number)) if number.is_nan() => json!({"doubleValue": "NaN"}),
        Some(Any::DoubleValue(number)) if number.is_infinite() => {
            json!({"doubleValue": if *number > 0.0 { "Infinity" } else { "-Infinity" }})
        }
        Some(Any::DoubleValue(number)) => json!({"doubleValue": number}),
        Some(Any::ArrayValue(list)) => {
            let values: Vec<_> = list.values.iter().map(json_of).collect();
            json!({"arrayValue": {"values": values}})
        }
        Some(Any::KvlistValue(list)) => json!({"kvlistValue": {"values": pairs(&list.values)}}),
        Some(Any::BytesValue(bytes)) => {
            let Value::String(text) = value::bytes(bytes) else {
                unreachable!("bytes are text");
            };
            // Both alphabets, with and without padding, mean the same.
            json!({"bytesValue": text.replace('+', "-").replace('/', "_").trim_end_matches('=')})
        }
        Some(Any::StringValueStrindex(_)) => unreachable!("not generated"),
    }
}

fn pairs(pairs: &[KeyValue]) -> Vec<Value> {
    let pair = |pair: &KeyValue| {
        let value = pair.value.as_ref().map(json_of);
        json!({"key": pair.key, "value": value})
    };
    pairs.iter().map(pair).collect()
}

fn any_value() -> impl Strategy<Value = AnyValue> {
    let leaf = prop_oneof![
        Just(None),
        ".{0,12}".prop_map(|text| Some(Any::StringValue(text))),
        any::<bool>().prop_map(|flag| Some(Any::BoolValue(flag))),
        any::<i64>().prop_map(|number| Some(Any::IntValue(number))),
        any::<f64>().prop_map(|number| Some(Any::DoubleValue(number))),
        prop::sample::select(vec![
            f64::NAN,
            f64::INFINITY,
            f64::NEG_INFINITY,
            1e308,
            5e-324
        ])
        .prop_map(|number| Some(Any::DoubleValue(number))),
        prop::collection::vec(any::<u8>(), 0..9).prop_map(|bytes| Some(Any::BytesValue(bytes))),
    ];
    let leaf = leaf.prop_map(|value| AnyValue { value });
    leaf.prop_recursive(6, 40, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(|values| AnyValue {
                value: Some(Any::ArrayValue(ArrayValue { values })),
            }),
            attributes(inner).prop_map(|values| AnyValue {
                value: Some(Any::KvlistValue(KeyValueList { values })),
            }),
        ]
    })
}

fn attributes(values: impl Strategy<Value = AnyValue>) -> impl Strategy<Value = Vec<KeyValue>> {
    let pair = ("[a-c.é\"]{0,8}", values).prop_map(|(key, value)| KeyValue {
        key,
        value: Some(value),
        ..KeyValue::default()
    });
    prop::collection::vec(pair, 0..5)
}

fn span(number: u8) -> proto::Span {
    proto::Span {
        trace_id: vec![7; 16],
        span_id: vec![number; 8],
        name: format!("span {number}"),
        start_time_unix_nano: 1_795_461_676_000_000_001,
        end_time_unix_nano: 1_795_461_676_000_000_999,
        ..proto::Span::default()
    }
}

fn export(spans: Vec<proto::Span>, attributes: Vec<KeyValue>) -> ExportTraceServiceRequest {
    let scope = InstrumentationScope {
        name: "scope".to_owned(),
        version: "1".to_owned(),
        attributes: attributes.clone(),
        dropped_attributes_count: 3,
    };
    let resource = Resource {
        attributes,
        dropped_attributes_count: 4,
        ..Resource::default()
    };
    let scope_spans = ScopeSpans {
        scope: Some(scope),
        spans,
        ..ScopeSpans::default()
    };
    ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            resource: Some(resource),
            scope_spans: vec![scope_spans],
            ..ResourceSpans::default()
        }],
    }
}

/// Returns a span in the JSON encoding of OTLP.
fn json_span(span: &proto::Span) -> Value {
    let event = |event: &proto::span::Event| {
        json!({"timeUnixNano": event.time_unix_nano.to_string(), "name": event.name,
            "attributes": pairs(&event.attributes), "droppedAttributesCount": event.dropped_attributes_count})
    };
    let link = |link: &proto::span::Link| {
        json!({"traceId": hex(&link.trace_id), "spanId": hex(&link.span_id), "traceState": link.trace_state,
            "attributes": pairs(&link.attributes), "droppedAttributesCount": link.dropped_attributes_count,
            "flags": link.flags})
    };
    let status = span.status.clone().unwrap_or_default();
    json!({
        "traceId": hex(&span.trace_id), "spanId": hex(&span.span_id),
        "parentSpanId": hex(&span.parent_span_id), "traceState": span.trace_state, "flags": span.flags,
        "name": span.name, "kind": span.kind,
        "startTimeUnixNano": span.start_time_unix_nano.to_string(),
        "endTimeUnixNano": span.end_time_unix_nano.to_string(),
        "attributes": pairs(&span.attributes), "droppedAttributesCount": span.dropped_attributes_count,
        "events": span.events.iter().map(event).collect::<Vec<_>>(),
        "droppedEventsCount": span.dropped_events_count,
        "links": span.links.iter().map(link).collect::<Vec<_>>(),
        "droppedLinksCount": span.dropped_links_count,
        "status": {"code": status.code, "message": status.message},
    })
}

fn json_export(request: &ExportTraceServiceRequest) -> Value {
    let group = &request.resource_spans[0];
    let (resource, scoped) = (group.resource.clone().unwrap(), &group.scope_spans[0]);
    let scope = scoped.scope.clone().unwrap();
    let spans: Vec<_> = scoped.spans.iter().map(json_span).collect();
    json!({"resourceSpans": [{
        "resource": {"attributes": pairs(&resource.attributes),
            "droppedAttributesCount": resource.dropped_attributes_count},
        "scopeSpans": [{
            "scope": {"name": scope.name, "version": scope.version, "attributes": pairs(&scope.attributes),
                "droppedAttributesCount": scope.dropped_attributes_count},
            "spans": spans,
        }],
    }]})
}

proptest! {
    #[test]
    fn every_value_is_equal_from_json_and_from_protobuf(
        values in attributes(any_value()),
        others in attributes(any_value()),
        (flags, kind, code) in (any::<u32>(), 0..6, 0..3),
        (name, state) in (".{0,9}", ".{0,9}"),
    ) {
        let full = proto::Span {
            parent_span_id: vec![1; 8],
            name,
            trace_state: state.clone(),
            flags,
            kind,
            attributes: values.clone(),
            dropped_attributes_count: 1,
            events: vec![proto::span::Event {
                time_unix_nano: u64::MAX,
                name: "event".to_owned(),
                attributes: others.clone(),
                dropped_attributes_count: 2,
            }],
            dropped_events_count: 3,
            links: vec![proto::span::Link {
                trace_id: vec![9; 16],
                span_id: vec![8; 8],
                trace_state: state.clone(),
                attributes: values,
                dropped_attributes_count: 4,
                flags,
            }],
            dropped_links_count: 5,
            status: Some(proto::Status { code, message: state }),
            ..span(1)
        };
        let request = export(vec![full, span(2)], others);
        let json = json_export(&request);
        let decoded = from_protobuf(&request.encode_to_vec());
        prop_assert_eq!(&from_json(json.to_string()), &decoded);
        prop_assert_eq!(decoded.unwrap().spans.len(), 2);
        // The order of members does not matter: without `preserve_order`, `scopeSpans` comes after `resource`.
        let text = json.to_string();
        let (start, end) = (text.find("\"resource\"").unwrap(), text.find(",\"scopeSpans\"").unwrap());
        let swapped = format!("{}{},{}{}", &text[..start], &text[end + 1..text.len() - 3], &text[start..end], &text[text.len() - 3..]);
        prop_assert_eq!(from_json(swapped), from_json(&text));
    }

    #[test]
    fn any_bytes_end_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        drop((from_protobuf(&bytes), from_json(&bytes)));
    }

    #[test]
    fn a_changed_byte_of_an_export_ends_without_a_panic(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let request = export(vec![span(1), span(2)], Vec::new());
        let mut bytes = request.encode_to_vec();
        let at_byte = at.index(bytes.len());
        bytes[at_byte] = byte;
        drop(from_protobuf(&bytes));
        let mut text = json_export(&request).to_string().into_bytes();
        let at_byte = at.index(text.len());
        text[at_byte] = byte;
        drop(from_json(&text));
    }
}

/// The members of a span in JSON that receive unusual values; `%` is the value.
const JSON_FIELDS: &[&str] = &[
    r#""traceId": %"#,
    r#""spanId": %"#,
    r#""parentSpanId": %"#,
    r#""traceState": %"#,
    r#""flags": %"#,
    r#""name": %"#,
    r#""kind": %"#,
    r#""startTimeUnixNano": %"#,
    r#""endTimeUnixNano": %"#,
    r#""attributes": %"#,
    r#""attributes": [%]"#,
    r#""attributes": [{"key": %, "value": {"intValue": 1}}]"#,
    r#""attributes": [{"key": "a", "value": %}]"#,
    r#""attributes": [{"key": "a", "value": {"stringValue": %}}]"#,
    r#""attributes": [{"key": "a", "value": {"boolValue": %}}]"#,
    r#""attributes": [{"key": "a", "value": {"intValue": %}}]"#,
    r#""attributes": [{"key": "a", "value": {"doubleValue": %}}]"#,
    r#""attributes": [{"key": "a", "value": {"bytesValue": %}}]"#,
    r#""attributes": [{"key": "a", "value": {"arrayValue": %}}]"#,
    r#""attributes": [{"key": "a", "value": {"arrayValue": {"values": [%, {"intValue": 1}]}}}]"#,
    r#""attributes": [{"key": "a", "value": {"kvlistValue": %}}]"#,
    r#""attributes": [{"key": "a", "value": {"kvlistValue": {"values": [%]}}}]"#,
    r#""droppedAttributesCount": %"#,
    r#""events": %"#,
    r#""events": [%]"#,
    r#""events": [{"timeUnixNano": %, "name": "e"}]"#,
    r#""events": [{"name": %}]"#,
    r#""events": [{"attributes": %}]"#,
    r#""droppedEventsCount": %"#,
    r#""links": %"#,
    r#""links": [{"traceId": %, "spanId": %}]"#,
    r#""links": [{"attributes": [%]}]"#,
    r#""status": %"#,
    r#""status": {"code": %}"#,
    r#""status": {"message": %}"#,
    r#""unknown": %"#,
];

/// Returns a message, text or bytes as a field of another message.
fn wrap(field: u8, bytes: &[u8]) -> Vec<u8> {
    let mut wrapped = vec![field << 3 | 2];
    prost::encode_length_delimiter(bytes.len(), &mut wrapped).unwrap();
    wrapped.extend_from_slice(bytes);
    wrapped
}

#[test]
fn two_thousand_odd_values_of_each_json_field_cost_only_their_span() {
    const IDS: &str =
        r#""traceId": "07070707070707070707070707070707", "spanId": "0909090909090909""#;
    let good = json_span(&span(1)).to_string();
    let expected = from_json(format!(
        r#"{{"resourceSpans": [{{"scopeSpans": [{{"spans": [{good}]}}]}}]}}"#
    ));
    let expected = expected.unwrap().spans.remove(0);
    let before = format!(r#"{{"resourceSpans": [{{"scopeSpans": [{{"spans": [{good}, {{{IDS}, "#);
    let after = format!("}}, {good}]}}]}}]}}");
    let values = odd_values(odd_json());
    for field in JSON_FIELDS {
        for value in &values {
            let odd = field.replace('%', value);
            let body = [before.as_str(), &odd, &after].concat();
            let decoded = from_json(&body).unwrap_or_else(|error| panic!("{odd}: {error:?}"));
            assert_eq!(decoded.spans.len() + decoded.rejected.len(), 3, "{odd}");
            assert_eq!(decoded.spans.first(), Some(&expected), "{odd}");
            assert_eq!(decoded.spans.last(), Some(&expected), "{odd}");
        }
    }
}

#[test]
fn two_thousand_odd_values_of_each_protobuf_field_cost_only_their_span() {
    let good = span(1).encode_to_vec();
    let bytes = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..40),
        any_value().prop_map(|value| value.encode_to_vec()),
        (1_usize..200).prop_map(|depth| (0..depth).fold(Vec::new(), |inner, _| {
            let mut outer = vec![0x0a];
            prost::encode_length_delimiter(inner.len(), &mut outer).unwrap();
            outer.extend_from_slice(&inner);
            let mut list = vec![0x2a];
            prost::encode_length_delimiter(outer.len(), &mut list).unwrap();
            list.extend_from_slice(&outer);
            list
        })),
    ];
    let values = odd_values(bytes);
    let expected = Collected {
        spans: from_protobuf(&wrap(1, &wrap(2, &wrap(2, &good))))
            .unwrap()
            .spans,
        rejected: Vec::new(),
    };
    for field in 1..=16_u8 {
        for value in &values {
            let mut odd = span(9).encode_to_vec();
            match field {
                // Bytes that do not form a field.
                16 => odd.extend_from_slice(value),
                9 => odd.extend(wrap(9, &[wrap(1, b"key"), wrap(2, value)].concat())),
                field => odd.extend(wrap(field, value)),
            }
            let spans = [wrap(2, &good), wrap(2, &odd), wrap(2, &good)].concat();
            let decoded = from_protobuf(&wrap(1, &wrap(2, &spans)));
            let decoded = decoded.unwrap_or_else(|error| panic!("{field} {value:?}: {error:?}"));
            assert_eq!(
                decoded.spans.len() + decoded.rejected.len(),
                3,
                "{field} {value:?}"
            );
            assert_eq!(
                decoded.spans.first(),
                expected.spans.first(),
                "{field} {value:?}"
            );
            assert_eq!(
                decoded.spans.last(),
                expected.spans.first(),
                "{field} {value:?}"
            );
        }
    }
}

#[test]
fn damage_costs_the_smallest_part_that_the_framing_allows() {
    let good = wrap(2, &span(1).encode_to_vec());
    // A span whose length is right, but which ends in a field.
    let cut = wrap(2, &span(2).encode_to_vec()[..30]);
    let body = wrap(1, &wrap(2, &[&good[..], &cut, &good].concat()));
    let decoded = from_protobuf(&body).unwrap();
    assert_eq!(
        (decoded.spans.len(), decoded.rejected),
        (2, vec![reason::DAMAGED])
    );
    // A span that is longer than its group. What follows the group is read.
    let long = [&good[..], &[0x12, 0x7f, 1, 2]].concat();
    let body = [wrap(1, &wrap(2, &long)), wrap(1, &wrap(2, &good))].concat();
    let decoded = from_protobuf(&body).unwrap();
    assert_eq!(
        (decoded.spans.len(), decoded.rejected),
        (2, vec![reason::DAMAGED_GROUP])
    );
    // Nothing in the body is a span.
    let logs = wrap(1, &wrap(2, &wrap(2, &[9, 1, 2, 3, 4, 5, 6, 7, 8])));
    assert!(matches!(
        from_protobuf(&logs),
        Err(DecodeSpansError::NotTraces(_))
    ));
}

#[test]
fn what_is_no_export_of_traces_is_named() {
    for (body, expected) in [
        ("{}", Ok(0)),
        ("\u{feff}{}", Ok(0)),
        (r#"{"resourceSpans": null}"#, Ok(0)),
        (r#"{"resource_spans": [], "other": 1}"#, Ok(0)),
        (
            r#"{"resourceSpans": [null, {"scopeSpans": [null, {"spans": null}]}]}"#,
            Ok(0),
        ),
        (
            r#"{"resourceSpans": [5, {"scopeSpans": [true, {"spans": {}}]}]}"#,
            Ok(3),
        ),
        (
            r#"{"other": 1}"#,
            Err("an object with the member resourceSpans"),
        ),
        ("[]", Err("an object with the member resourceSpans")),
        ("5", Err("an object with the member resourceSpans")),
        (r#"{"resourceMetrics": []}"#, Err("metrics")),
        (r#"{"resourceLogs": []}"#, Err("logs")),
        (r#"{"resourceSpans": {}}"#, Err("is not a list")),
    ] {
        match (from_json(body), expected) {
            (Ok(decoded), Ok(count)) => assert_eq!(decoded.rejected.len(), count, "{body}"),
            (Err(DecodeSpansError::NotTraces(what)), Err(part)) => {
                assert!(what.contains(part), "{body}: {what}");
            }
            (other, _) => panic!("{body}: {other:?}"),
        }
    }
    for body in ["", "{", "{}x", "{\"a\":}", "[1,]", "{\"resourceSpans\": [}"] {
        let decoded = from_json(body);
        assert!(
            matches!(decoded, Err(DecodeSpansError::Malformed { place: Some(_) })),
            "{body}: {decoded:?}"
        );
    }
}

#[test]
fn names_in_snake_case_and_names_of_older_versions_are_read() {
    let camel = json_export(&export(vec![span(1)], Vec::new())).to_string();
    let mut snake = camel.clone();
    for (from, to) in [
        ("resourceSpans", "resource_spans"),
        ("scopeSpans", "scope_spans"),
        ("traceId", "trace_id"),
        ("spanId", "span_id"),
        ("parentSpanId", "parent_span_id"),
        ("startTimeUnixNano", "start_time_unix_nano"),
        ("endTimeUnixNano", "end_time_unix_nano"),
        ("droppedAttributesCount", "dropped_attributes_count"),
    ] {
        snake = snake.replace(&format!("\"{from}\""), &format!("\"{to}\""));
    }
    assert_ne!(camel, snake);
    assert_eq!(from_json(snake), from_json(&camel));
    let old = camel
        .replace("scopeSpans", "instrumentationLibrarySpans")
        .replace("\"scope\":", "\"instrumentationLibrary\":");
    assert_eq!(from_json(old), from_json(&camel));
}

#[test]
fn enums_are_numbers_or_names_in_any_form() {
    for (code, expected) in [
        ("2", StatusCode::Error),
        ("\"2\"", StatusCode::Error),
        ("2.0", StatusCode::Error),
        ("\"STATUS_CODE_ERROR\"", StatusCode::Error),
        ("\"Error\"", StatusCode::Error),
        ("\"OK\"", StatusCode::Ok),
        ("null", StatusCode::Unset),
        ("9", StatusCode::Unset),
        ("\"CODE_ERROR\"", StatusCode::Error),
        ("\"DE_ERROR\"", StatusCode::Unset),
        ("\"\"", StatusCode::Unset),
    ] {
        let body = format!(
            r#"{{"resourceSpans": [{{"scopeSpans": [{{"spans": [{{"traceId": "BwcHBwcHBwcHBwcHBwcHBw==",
              "spanId": "0101010101010101", "status": {{"code": {code}}}}}]}}]}}]}}"#
        );
        let decoded = from_json(&body).unwrap();
        assert_eq!(decoded.spans[0].1.status, expected, "{code}");
        assert_eq!(decoded.spans[0].1.trace_id, [7; 16], "base64 is accepted");
    }
}
