use hh_api::types::EventKind;
use hh_auth::ProjectId;
use serde_json::Value;
use uuid::Uuid;

use super::*;
use crate::domain::event_ids::IdScheme;
use crate::http::body::MAX_IN_FLIGHT;
use crate::http::budget::Budget;
use crate::store::{Body, NewEvent};

/// The arrival time of the spans in these tests, after their start, in nanoseconds since 1970.
const ARRIVED: i64 = 1_795_461_677_000_000_000;

fn received(encoding: Encoding, body: &[u8]) -> Result<Received, ApiError> {
    let arrival = Arrival {
        time: ARRIVED,
        redact_keys: true,
    };
    let mut reservation = Budget::new(MAX_IN_FLIGHT).reservation(1);
    receive(encoding, body, arrival, &mut reservation)
}

fn events(json: &str) -> Vec<NewEvent> {
    let received = received(Encoding::Json, json.as_bytes()).unwrap();
    let spans = received.spans.into_iter();
    spans
        .map(|span| span.in_project(ProjectId::new(1)))
        .collect()
}

/// Returns the ids of an event and of its parent.
fn ids(event: &NewEvent) -> (Uuid, Uuid) {
    event.identity.ids(IdScheme::TracePrefix, event.session)
}

fn body(event: &NewEvent) -> Body {
    serde_json::from_slice(&event.body).unwrap()
}

fn span(members: &str) -> String {
    format!(
        r#"{{"resourceSpans": [{{"scopeSpans": [{{"scope": {{"name": "honeyhive.1"}}, "spans": [{{
          "traceId": "e08f5506e0645e46848308296c9e6acf", "spanId": "fd26c174ceaceeef", "name": "my_tool",
          "startTimeUnixNano": "1795461676880265471", "endTimeUnixNano": "1795461676880929739", {members}}}]}}]}}]}}"#
    )
}

#[test]
fn the_default_dialect_of_python() {
    let events = events(&span(
        r#""parentSpanId": "2bdaeeb0fbc868bd", "kind": "SPAN_KIND_INTERNAL",
        "attributes": [
         {"key": "honeyhive.session_id", "value": {"stringValue": "6ba7b810-9dad-41d1-80b4-00c04fd430c8"}},
         {"key": "honeyhive_event_type", "value": {"stringValue": "model"}},
         {"key": "honeyhive_inputs.x", "value": {"intValue": "21"}},
         {"key": "honeyhive_inputs.opts", "value": {"stringValue": "{\"deep\": [1, 2]}"}},
         {"key": "honeyhive_metadata.nested.z", "value": {"boolValue": true}},
         {"key": "honeyhive_metadata.list.0", "value": {"intValue": 1}},
         {"key": "honeyhive_metadata.list.1", "value": {"intValue": 2}},
         {"key": "honeyhive_metrics.score", "value": {"doubleValue": 0.5}},
         {"key": "honeyhive_duration_ms", "value": {"doubleValue": 0.5}},
         {"key": "attr.int", "value": {"intValue": "42"}},
         {"key": "honeyhive_outputs.result.r", "value": {"intValue": "42"}}],
        "events": [], "status": {"code": "STATUS_CODE_UNSET"}"#,
    ));
    let event = &events[0];
    assert_eq!(event.kind, EventKind::Model);
    assert_eq!(
        event.session.to_string(),
        "6ba7b810-9dad-41d1-80b4-00c04fd430c8"
    );
    assert_eq!(event.ended - event.started, 664_268);
    insta::assert_snapshot!(std::str::from_utf8(&event.body).unwrap(), @r#"{"inputs":{"opts":{"deep":[1,2]},"x":21},"outputs":{"result":{"r":42}},"metadata":{"attr.int":42,"list":[1,2],"nested":{"z":true}},"metrics":{"score":0.5}}"#);
}

#[test]
fn null_numbers_and_absent_members() {
    for members in [
        r#""parentSpanId": null, "kind": 1, "status": {}, "attributes": null"#,
        r#""kind": 3, "status": {"code": 0}, "flags": 257"#,
        r#""parentSpanId": "", "status": null, "attributes": [{"key": "a", "value": {}}]"#,
    ] {
        let events = events(&span(members));
        let (_, parent) = ids(&events[0]);
        assert_eq!(
            parent, events[0].session,
            "the session is the parent of a root span"
        );
        assert_eq!(events[0].kind, EventKind::Tool);
        assert_eq!(body(&events[0]).error, None);
    }
}

#[test]
fn an_error_comes_from_the_attribute_or_the_status() {
    let by_name = events(&span(
        r#""status": {"code": "STATUS_CODE_ERROR", "message": "ValueError: boom"}"#,
    ));
    assert_eq!(body(&by_name[0]).error.as_deref(), Some("ValueError: boom"));
    let by_number = events(&span(
        r#""status": {"code": 2}, "attributes": [{"key": "honeyhive_error", "value": {"stringValue": "it broke"}}]"#,
    ));
    assert_eq!(body(&by_number[0]).error.as_deref(), Some("it broke"));
}

#[test]
fn ids_do_not_depend_on_the_order_of_arrival() {
    let child = &events(&span(r#""parentSpanId": "2bdaeeb0fbc868bd""#))[0];
    let parent = &events(&span("\"kind\": 1").replace("fd26c174ceaceeef", "2bdaeeb0fbc868bd"))[0];
    assert_eq!(ids(child).1, ids(parent).0);
    assert_eq!(child.session, parent.session, "one session for one trace");
    assert_eq!(ids(child).0.get_version_num(), 8);
    let again = &events(&span(r#""parentSpanId": "2bdaeeb0fbc868bd""#))[0];
    assert_eq!(ids(again).0, ids(child).0);
}

#[test]
fn npm_names_the_session_by_its_association_only() {
    let event = &events(&span(
        r#""attributes": [
         {"key": "traceloop.association.properties.session_id", "value": {"stringValue": "6ba7b810-9dad-41d1-80b4-00c04fd430c8"}},
         {"key": "traceloop.association.properties.run_id", "value": {"stringValue": "r1"}},
         {"key": "traceloop.association.properties.disable_http_tracing", "value": {"stringValue": "false"}},
         {"key": "gen_ai.operation.name", "value": {"stringValue": "chat"}}]"#,
    ))[0];
    assert_eq!(
        event.session.to_string(),
        "6ba7b810-9dad-41d1-80b4-00c04fd430c8"
    );
    assert_eq!(event.kind, EventKind::Model);
    insta::assert_snapshot!(serde_json::to_string(&body(event).metadata).unwrap(), @r#"{"gen_ai.operation.name":"chat","run_id":"r1","trace_id":"e08f5506e0645e46848308296c9e6acf"}"#);
}

#[test]
fn deep_nesting_and_nonsense_are_refused() {
    let deep = format!(
        r#"{{"resourceSpans": [{{"scopeSpans": [{{"spans": [{{"attributes": [{{"key": "k", "value": {}1{}}}]}}]}}]}}]}}"#,
        r#"{"arrayValue": {"values": ["#.repeat(20_000),
        "]}}".repeat(20_000)
    );
    let refused = received(Encoding::Json, deep.as_bytes()).unwrap();
    assert!(refused.spans.is_empty());
    assert_eq!(
        refused.rejections.message(),
        "1 span: a value is nested deeper than 64 levels"
    );
    assert!(received(Encoding::Json, b"{").is_err());
    assert!(received(Encoding::Protobuf, &[0xff; 64]).is_err());
}

#[test]
fn dotted_names_of_other_clients_that_collide_lose_no_value() {
    let attribute = |(name, value): &(&str, &str)| {
        format!(r#"{{"key": "honeyhive_inputs.{name}", "value": {value}}}"#)
    };
    let named = [
        ("a.b", r#"{"intValue": 1}"#),
        ("a", r#"{"intValue": 5}"#),
        ("list.0", r#"{"intValue": 2}"#),
        ("list.1", r#"{"intValue": 3}"#),
        ("json", r#"{"stringValue": "{\"b\": 7}"}"#),
        ("json.b", r#"{"intValue": 8}"#),
        ("json.c", r#"{"intValue": 9}"#),
    ];
    let mut reversed = named;
    reversed.reverse();
    for named in [named, reversed] {
        let attributes: Vec<_> = named.iter().map(attribute).collect();
        let event = &events(&span(&format!(
            r#""attributes": [{}]"#,
            attributes.join(", ")
        )))[0];
        let expected = serde_json::json!({
            "a": 5, "a.b": 1, "list": [2, 3], "json": {"b": 7, "c": 9}, "json.b": 8
        });
        assert_eq!(Value::Object(body(event).inputs), expected);
    }
}

#[test]
fn a_large_resource_is_not_copied_for_any_number_of_spans() {
    let good = r#"{"traceId": "07070707070707070707070707070707", "spanId": "0101010101010101", "parentSpanId": "0202020202020202"}"#;
    let resource = format!(
        r#"{{"key": "process.x", "value": {{"stringValue": "{}"}}}}"#,
        "x".repeat(4 << 20)
    );
    let spans = vec![good; 1000].join(",");
    let body = format!(
        r#"{{"resourceSpans": [{{"resource": {{"attributes": [{resource}]}}, "scopeSpans": [{{"scope": {{}}, "spans": [{spans}]}}]}}]}}"#
    );
    let received = received(Encoding::Json, body.as_bytes()).unwrap();
    assert_eq!(received.spans.len(), 63);
    assert!(
        received
            .rejections
            .message()
            .starts_with("937 spans: the resource is too large")
    );
}

#[test]
fn memory_for_the_copies_of_a_large_resource_is_reserved() {
    let attributes: Vec<_> = (0..5_000)
        .map(|number| {
            format!(r#"{{"key": "attribute {number}", "value": {{"stringValue": "{number}"}}}}"#)
        })
        .collect();
    let body = span(r#""kind": 1"#).replace(
        r#"{"scopeSpans""#,
        &format!(
            r#"{{"resource": {{"attributes": [{}]}}, "scopeSpans""#,
            attributes.join(",")
        ),
    );
    let receive_within = |memory| {
        let arrival = Arrival {
            time: ARRIVED,
            redact_keys: true,
        };
        let mut reservation = Budget::new(memory).reservation(1);
        let received = receive(Encoding::Json, body.as_bytes(), arrival, &mut reservation).unwrap();
        (received.spans.len(), received.rejections.total())
    };
    assert_eq!(receive_within(MAX_IN_FLIGHT), (1, 0));
    assert_eq!(receive_within(512 * 1024), (0, 1));
}
