//! The official Python client and the plain OpenTelemetry exporter, unmodified, and the events that the CLI prints
//! then.

use insta::assert_snapshot;
use serde_json::{Value, json};

use super::python;
use super::support::{PROJECT, TestDir, key_in};

#[test]
fn the_python_client_over_json() {
    trace_with_the_python_client("http/json");
}

#[test]
fn the_python_client_over_protobuf() {
    trace_with_the_python_client("http/protobuf");
}

fn trace_with_the_python_client(protocol: &str) {
    let place = TestDir::new();
    let server = place.start();
    let key_file = place.make_key(&server, "read_write");
    let key = key_in(&key_file);
    let variables = [
        ("HH_API_URL", server.url()),
        ("HH_API_KEY", &key),
        ("HH_OTLP_PROTOCOL", protocol),
        ("TEST_PROJECT", PROJECT),
    ];
    let Some(session) = python::script(&place, python::CLIENT, "honeyhive_tracer.py", &variables)
    else {
        return;
    };
    let list = ["event", "list", "--session-id", &session];
    let events = place.list(&server, &key_file, &list);
    check_session(&events, &session);
    check_chain(&events, &session);
    check_model(&events, &session);
    assert_eq!(events.as_array().unwrap().len(), 3, "{events:#}");

    let tree = place.ask(&server, &key_file, &[&list[..], &["--tree"]].concat());
    // The test runs with both protocols, and `cargo test` uses one process for them.
    insta::allow_duplicates! {
        insta::with_settings!({filters => vec![(r" +\d[\d.]* m?s\b", "  [TIME]")]}, {
            assert_snapshot!(tree, @"
            python client    session  [TIME]
            └─ answer        chain  [TIME]
               └─ ask_model  model  [TIME]
            ");
        });
    }
}

fn check_session(events: &Value, session: &str) {
    let event = named(events, "python client");
    assert_eq!(event["event_id"], session);
    assert_eq!(event.get("parent_id"), None);
    assert_members(
        event,
        &json!({
            "session_id": session,
            "event_type": "session",
            "source": "e2e",
            "config": {},
            "inputs": {"question": "what is seven?"},
            "outputs": {"final": "seven", "count": 3},
            "metadata": {"plan": "pro", "nested": {"list": [1, 2.5, true], "whole": 2.0}},
            "metrics": {"latency": 1.5},
            "feedback": {"rating": 5, "helpful": true},
            "user_properties": {"user_id": "u-1"},
        }),
    );
}

fn check_chain(events: &Value, session: &str) {
    assert_members(
        named(events, "answer"),
        &json!({
            "session_id": session,
            "parent_id": session,
            "event_type": "chain",
            "source": "e2e",
            "config": {},
            "inputs": {"question": "what is seven?", "limit": 10},
            "outputs": {"result": 3},
            // The client adds these two.
            "metadata": {"event_name": "answer", "event_type": "chain"},
            "metrics": {},
            "feedback": {},
            "user_properties": {},
        }),
    );
}

fn check_model(events: &Value, session: &str) {
    let event = named(events, "ask_model");
    assert_members(
        event,
        &json!({
            "session_id": session,
            "parent_id": named(events, "answer")["event_id"],
            "event_type": "model",
            "source": "e2e",
            "config": {"model": "test-model"},
            "inputs": {
                "prompt": "what is seven?",
                "messages": [{"role": "user", "content": "what is seven?"}],
                "options": {"deep": {"list": [1, 2.5, "x", true, null]}, "whole": 2.0},
                "temperature": 0.25,
                "count": 3,
                "stream": true,
            },
            "outputs": {
                "result": {
                    "answer": "sieben, 七",
                    "tokens": [1, 2, 3],
                    "usage": {"total": 12, "cost": 0.5, "cached": false},
                },
            },
            "metadata": {
                "event_name": "ask_model",
                "event_type": "model",
                "nested": {"flag": true, "level": {"number": 7}},
                "list": [1, "two", 3.5],
                "whole": 42,
                "float": 2.0,
                "large": 9_007_199_254_740_993_i64,
                "negative": -1,
                "text": "42",
            },
            "metrics": {"score": 0.75, "tokens": 128, "passed": false},
            "feedback": {},
            "user_properties": {},
        }),
    );
    let number = |name: &str| event[name].as_f64().unwrap();
    assert!(number("start_time") <= number("end_time"), "{event:#}");
}

#[test]
fn the_plain_exporter() {
    let place = TestDir::new();
    let server = place.start();
    let key_file = place.make_key(&server, "read_write");
    let key = key_in(&key_file);
    let variables = [("TEST_SERVER", server.url()), ("TEST_KEY", &key)];
    if python::script(&place, python::CLIENT, "otlp_exporter.py", &variables).is_none() {
        return;
    }
    let events = place.list(&server, &key_file, &["event", "list"]);
    let spans = without_sessions(&events);
    // The session has the name of its root span, although the root arrives after its child.
    let outer = named(&spans, "lookup");
    let session = outer["session_id"].as_str().unwrap();
    let empty = json!({"config": {}, "inputs": {}, "outputs": {}, "metrics": {}, "feedback": {}, "user_properties": {}});
    assert_members(outer, &empty);
    assert_members(
        outer,
        &json!({
            "parent_id": session,
            "event_type": "tool",
            "metadata": {
                "attr.text": "42",
                "attr.int": 42,
                "attr.float": 2.0,
                "attr.bool": true,
                "attr.list": [1, 2, 3],
                "honeyhive.inputs.prompt": "dotted",
            },
        }),
    );
    // A span without a parent describes its trace and its process.
    assert_eq!(outer["metadata"]["scope"], json!({"name": "e2e"}));
    let resource = &outer["metadata"]["resource"];
    assert_eq!(resource["telemetry.sdk.language"], "python");
    assert_eq!(outer["metadata"]["trace_id"].as_str().unwrap().len(), 32);
    let inner = named(&spans, "chat test-model");
    assert_members(
        inner,
        &json!({
            "parent_id": outer["event_id"],
            "session_id": session,
            "event_type": "model",
            "config": {"temperature": 0.5},
            "inputs": {},
            "outputs": {},
            "metadata": {"gen_ai.operation.name": "chat", "prompt_tokens": 12},
        }),
    );
    // Two traces create two sessions, although each span was in its own request.
    let other = named(&spans, "other trace");
    assert_ne!(other["session_id"], *session);
    let mut sessions: Vec<&Value> = events
        .as_array()
        .unwrap()
        .iter()
        .filter(|event| event["event_type"] == "session")
        .map(|event| &event["event_id"])
        .collect();
    sessions.sort_by_key(|id| **id != *session);
    assert_eq!(sessions, [&outer["session_id"], &other["session_id"]]);
    let is_named =
        |event: &Value| event["event_type"] == "session" && event["event_name"] == "lookup";
    assert!(events.as_array().unwrap().iter().any(is_named));
}

/// Returns the events without sessions: a session that spans create has the name of a span.
fn without_sessions(events: &Value) -> Value {
    let mut events = events.as_array().unwrap().clone();
    events.retain(|event| event["event_type"] != "session");
    events.into()
}

/// Returns the one event of a name.
fn named<'a>(events: &'a Value, name: &str) -> &'a Value {
    let mut found = events
        .as_array()
        .unwrap()
        .iter()
        .filter(|event| event["event_name"] == name);
    let (Some(event), None) = (found.next(), found.next()) else {
        panic!("not one event {name}: {events:#}");
    };
    event
}

/// Asserts that an event has these members with these values; 1 and 1.0 are two values. The metadata also describes the
/// trace and the process.
fn assert_members(event: &Value, expected: &Value) {
    for (name, value) in expected.as_object().unwrap() {
        let mut found = event[name].clone();
        if name == "metadata" {
            let metadata = found.as_object_mut().unwrap();
            metadata.retain(|name, _| !["resource", "scope", "trace_id"].contains(&name.as_str()));
        }
        assert_eq!(&found, value, "{name} of {event:#}");
    }
}
