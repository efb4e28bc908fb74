use serde_json::{Value, json};

use super::super::fields::NoLimits;
use super::super::map::map_span;
use super::*;

fn mapped(span: Span, origin: &Origin) -> SpanFields {
    let Ok(fields) = map_span(span, origin, &mut NoLimits);
    fields
}

fn pairs(attributes: Value) -> Vec<(String, Value)> {
    let Value::Object(attributes) = attributes else {
        panic!("not an object");
    };
    attributes.into_iter().collect()
}

fn exception(attributes: Value) -> SpanEvent {
    SpanEvent {
        time: 1_500_000,
        name: "exception".to_owned(),
        attributes: pairs(attributes),
        ..SpanEvent::default()
    }
}

#[test]
fn an_exception_event_becomes_the_error_with_type_and_stack() {
    let span = Span {
        parent_span_id: vec![1; 8],
        events: vec![exception(json!({
            "exception.type": "ValueError", "exception.message": "boom", "exception.stacktrace": "at line 1",
            "exception.escaped": "True",
        }))],
        ..Span::default()
    };
    let fields = mapped(span, &Origin::default());
    assert_eq!(fields.error.as_deref(), Some("ValueError: boom"));
    assert_eq!(
        Value::Object(fields.metadata),
        json!({
            "error_type": "ValueError", "error_stack": "at line 1",
            "span_events": [{"name": "exception", "time": 1.5, "attributes": {"exception.escaped": "True"}}],
        })
    );
}

#[test]
fn the_status_decides_whether_an_exception_is_the_error() {
    let boom = || exception(json!({"exception.message": "boom"}));
    for (status, message, error) in [
        (StatusCode::Unset, "", Some("boom")),
        (StatusCode::Error, "", Some("boom")),
        (StatusCode::Error, "it failed", Some("it failed")),
        (StatusCode::Ok, "", None),
    ] {
        let span = Span {
            status,
            status_message: message.to_owned(),
            events: vec![boom()],
            ..Span::default()
        };
        let fields = mapped(span, &Origin::of_tracer());
        assert_eq!(fields.error.as_deref(), error, "{status:?} {message}");
        // The message is kept in the event unless it is the error.
        let event = &fields.metadata["span_events"][0];
        assert_eq!(
            event.get("attributes").is_some(),
            error != Some("boom"),
            "{event}"
        );
    }
}

#[test]
fn everything_else_of_a_span_has_a_place() {
    let span = Span {
        trace_id: vec![0xab; 16],
        trace_state: "a=b".to_owned(),
        flags: 0x303,
        kind: 2,
        status: StatusCode::Ok,
        dropped_attributes: 1,
        dropped_events: 2,
        dropped_links: 3,
        events: vec![SpanEvent {
            name: "retry".to_owned(),
            time: 2_000_000,
            attributes: pairs(json!({"n": 1})),
            dropped_attributes: 7,
        }],
        links: vec![SpanLink {
            trace_id: vec![1; 16],
            span_id: vec![2; 8],
            trace_state: "c=d".to_owned(),
            attributes: pairs(json!({"why": "batch"})),
            dropped_attributes: 8,
            flags: 1,
        }],
        ..Span::default()
    };
    let origin = Origin {
        resource: pairs(
            json!({"service.name": "shop", "deployment.environment": "staging", "process.pid": 5}),
        )
        .into_iter()
        .collect(),
        dropped_resource_attributes: 4,
        scope_name: "lib".to_owned(),
        scope_version: "1.2".to_owned(),
        scope_attributes: pairs(json!({"x": 1})).into_iter().collect(),
        dropped_scope_attributes: 5,
        ..Origin::default()
    };
    let fields = mapped(span.clone(), &origin);
    assert_eq!(
        Value::Object(fields.metadata),
        json!({
            "trace_id": "abababababababababababababababab", "trace_state": "a=b", "trace_flags": 3,
            "parent_is_remote": true, "span_kind": "server", "status": "ok",
            "dropped_attributes_count": 1, "dropped_events_count": 2, "dropped_links_count": 3,
            "dropped_resource_attributes_count": 4, "dropped_scope_attributes_count": 5,
            "resource": {"service.name": "shop", "deployment.environment": "staging", "process.pid": 5},
            "scope": {"name": "lib", "version": "1.2", "attributes": {"x": 1}},
            "span_events": [{"name": "retry", "time": 2.0, "attributes": {"n": 1}, "dropped_attributes_count": 7}],
            "span_links": [{"trace_id": "01010101010101010101010101010101", "span_id": "0202020202020202",
                "trace_state": "c=d", "attributes": {"why": "batch"}, "dropped_attributes_count": 8}],
        })
    );
    // Only spans without a parent have the attributes of the process.
    let child = Span {
        parent_span_id: vec![1; 8],
        ..span
    };
    let metadata = mapped(child, &origin).metadata;
    assert_eq!(
        metadata["resource"],
        json!({"service.name": "shop", "deployment.environment": "staging"})
    );
    assert!(!metadata.contains_key("trace_id"));
}

#[test]
fn an_attribute_keeps_its_place_when_span_data_has_the_same_name() {
    let span = Span {
        kind: 3,
        attributes: pairs(json!({"span_kind": "mine", "honeyhive_metadata.scope": "mine too"})),
        ..Span::default()
    };
    let origin = Origin {
        scope_name: "lib".to_owned(),
        ..Origin::default()
    };
    let metadata = mapped(span, &origin).metadata;
    assert_eq!(metadata["span_kind"], "mine");
    assert_eq!(metadata["otel.span_kind"], "client");
    assert_eq!(metadata["scope"], "mine too");
    assert_eq!(metadata["otel.scope"], json!({"name": "lib"}));
}

#[test]
fn defaults_of_telemetry_libraries_need_no_space() {
    let origin = Origin {
        resource: pairs(json!({
            "service.name": "unknown_service:python", "telemetry.sdk.name": "opentelemetry",
            "telemetry.sdk.version": "1.45.2", "telemetry.sdk.language": "python", "process.pid": 1,
        }))
        .into_iter()
        .collect(),
        scope_name: "honeyhive.139737762059920".to_owned(),
        ..Origin::default()
    };
    let child = Span {
        parent_span_id: vec![1; 8],
        flags: 0x101,
        kind: 1,
        ..Span::default()
    };
    assert_eq!(Value::Object(mapped(child, &origin).metadata), json!({}));
}
