//! Tests that API keys in telemetry are not stored.

use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, KeyValueList};
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};
use opentelemetry_proto::tonic::trace::v1::{Span, Status};
use serde_json::json;

use super::spans::{attribute, encode, label, span};
use super::support::{JSON, PROTOBUF, TRACES, TestServer};

const KEY: &str = "hh_1234567890abcdef1234567890abcdef";

/// Returns a span with a key in every place that is stored.
fn leaking() -> Vec<u8> {
    let text = |value: &str| AnyValue {
        value: Some(Any::StringValue(value.to_owned())),
    };
    let list = ArrayValue {
        values: vec![text(KEY)],
    };
    let object = KeyValueList {
        values: vec![label(KEY, "name"), label("value", KEY)],
    };
    let escaped = KEY.replace('_', "\\u005f");
    let attributes = vec![
        label("plain", &format!("use {KEY}!")),
        label(&format!("name.{KEY}"), "v"),
        label(
            "honeyhive_inputs.json",
            &format!("{{\"k\": \"{escaped}\", \"{escaped}\": 1}}"),
        ),
        label("honeyhive_error", &format!("bad {KEY}")),
        label("honeyhive.source", KEY),
        label("honeyhive.session_name", KEY),
        label("gen_ai.prompt.0.content", KEY),
        attribute("list", Any::ArrayValue(list)),
        attribute("object", Any::KvlistValue(object)),
        attribute("bytes", Any::BytesValue(KEY.as_bytes().to_vec())),
    ];
    let span = Span {
        name: format!("call {KEY}"),
        trace_state: format!("k={KEY}"),
        events: vec![Event {
            name: KEY.to_owned(),
            attributes: vec![label("a", KEY)],
            ..Event::default()
        }],
        links: vec![Link {
            attributes: vec![label("a", KEY)],
            ..Link::default()
        }],
        status: Some(Status {
            code: 2,
            message: format!("failed with {KEY}"),
        }),
        ..span(1, None, attributes)
    };
    encode(vec![span])
}

/// Returns the stored events after an export.
async fn stored(server: &TestServer, kind: (&str, &str), body: &[u8]) -> String {
    let admin = server.admin();
    let answer = admin.send("POST", TRACES, &[kind], body).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let events = admin.events(&json!({})).await.to_string();
    assert!(events.contains("call"), "{events}");
    events
}

#[tokio::test]
async fn keys_in_spans_are_redacted_everywhere_unless_the_server_is_configured_not_to() {
    use base64::Engine as _;
    let encoded = base64::engine::general_purpose::STANDARD.encode(KEY);
    let escaped = KEY.replace("hh_", "h\\u0068_");
    let json = format!(
        r#"{{"resourceSpans": [{{"resource": {{"attributes": [{{"key": "{escaped}", "value": {{"stringValue": "{escaped}"}}}}]}},
        "scopeSpans": [{{"scope": {{"name": "{KEY}", "version": "{KEY}"}}, "spans": [{{
        "traceId": "07070707070707070707070707070707", "spanId": "0101010101010101", "name": "call",
        "attributes": [{{"key": "b", "value": {{"bytesValue": "{encoded}"}}}}]}}]}}]}}]}}"#
    );
    for (kind, body) in [(PROTOBUF, leaking()), (JSON, json.into_bytes())] {
        let visible = stored(
            &TestServer::start_with("redact_keys: false\n").await,
            kind,
            &body,
        )
        .await;
        assert!(
            visible.contains(KEY) && visible.contains(&encoded),
            "{visible}"
        );
        let redacted = stored(&TestServer::start().await, kind, &body).await;
        let trace = KEY.trim_start_matches("hh_");
        assert!(
            !redacted.contains(trace) && !redacted.contains(&encoded),
            "{redacted}"
        );
        assert!(redacted.contains("[redacted]"));
    }
}

#[tokio::test]
async fn keys_in_events_and_sessions_are_redacted_unless_the_server_is_configured_not_to() {
    let members = json!({
        "event_type": "tool", "event_name": format!("use {KEY}"), "source": KEY, "error": KEY,
        "inputs": {"deep": [{"k": format!("with {KEY}")}]}, "outputs": {KEY: 1}, "config": {"k": KEY},
        "metadata": {"k": KEY}, "metrics": {"k": KEY}, "feedback": {"k": KEY}, "user_properties": {"k": KEY},
    });
    let session = json!({
        "session_name": KEY, "source": KEY, "inputs": {"k": KEY}, "config": {"k": KEY},
        "metadata": {"k": KEY}, "user_properties": {"k": KEY},
    });
    for (settings, is_visible) in [("redact_keys: false\n", true), ("", false)] {
        let server = TestServer::start_with(settings).await;
        let admin = server.admin();
        let created = admin.post("/v1/events", &members).await.assert_ok();
        let patch = json!({"event_id": created["event_id"], "outputs": {"k": KEY}, "metadata": {"more": KEY}});
        admin.put("/events", &patch).await.assert_ok();
        for (path, body) in [
            ("/events", json!({"event": members})),
            (
                "/events/batch",
                json!({
                    "events": [members], "is_single_session": true,
                    "session_properties": {"session_name": KEY, "source": KEY, "metadata": {"k": KEY}},
                }),
            ),
            (
                "/events/model",
                json!({"model_event": {
                    "model": KEY, "provider": "p", "messages": [{"role": "user", "content": KEY}],
                }}),
            ),
            ("/session/start", json!({"session": session})),
            ("/v1/sessions", session.clone()),
        ] {
            let answer = admin.post(path, &body).await;
            assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        }
        let stored = admin.events(&json!({})).await.to_string();
        assert_eq!(stored.contains(KEY), is_visible, "{stored}");
        assert_eq!(stored.contains("[redacted]"), !is_visible);
    }
}
