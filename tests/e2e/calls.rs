//! The calls on sessions and events of the official clients, unmodified, and what the server stores then. No client has
//! a call that deletes a session or an event.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::support::{PROJECT, TestDir, key_in};
use super::{node, python};

/// Runs a client against a new server, and returns the events of the session that it prints.
fn events_of(run: impl FnOnce(&TestDir, &[(&str, &str)]) -> Option<String>) -> Option<Vec<Value>> {
    let place = TestDir::new();
    let server = place.start();
    let key_file = place.make_key(&server, "read_write");
    let key = key_in(&key_file);
    let variables = [
        ("HH_API_URL", server.url()),
        ("HH_API_KEY", &key),
        ("TEST_PROJECT", PROJECT),
    ];
    let session = run(&place, &variables)?;
    let list = ["event", "list", "--session-id", &session];
    let events = place.list(&server, &key_file, &list);
    Some(events.as_array().unwrap().clone())
}

/// Returns the event with a name.
fn named<'a>(events: &'a [Value], name: &str) -> &'a Value {
    let found = events.iter().find(|event| event["event_name"] == name);
    found.unwrap_or_else(|| panic!("no event {name}: {events:#?}"))
}

#[test]
fn every_call_on_sessions_and_events_of_the_python_client_passes() {
    let run = |place: &TestDir, variables: &[(&str, &str)]| {
        python::script(place, python::CLIENT, "sessions_and_events.py", variables)
    };
    let Some(events) = events_of(run) else {
        return;
    };
    let session = named(&events, "python calls");
    assert_eq!(session["metadata"], json!({"plan": "pro", "done": true}));
    assert_eq!(named(&events, "chat")["metrics"], json!({"score": 0.5}));
    let traced = named(&events, "by the tracer");
    assert_eq!(traced["outputs"], json!({"o": 2}));
    assert_eq!(traced["parent_id"], session["event_id"]);
}

#[test]
fn every_function_on_sessions_and_events_of_the_python_client_passes() {
    let run = |place: &TestDir, variables: &[(&str, &str)]| {
        python::script(place, python::CLIENT, "every_function.py", variables)
    };
    let Some(events) = events_of(run) else {
        return;
    };
    let session = named(&events, "every function");
    let started = json!({"generated": 2, "generated async": 2, "wrapper": 5, "wrapper async": 5});
    assert_eq!(session["metadata"], started);
    let first = named(&events, "first");
    for (member, expected) in [
        ("metadata", json!({"generated": 3, "generated async": 3})),
        ("metrics", json!({"generated": 4, "generated async": 4})),
        ("feedback", json!({"wrapper": 6, "wrapper async": 6})),
    ] {
        assert_eq!(first[member], expected, "{member}");
    }
}

#[test]
fn every_call_on_sessions_and_events_of_the_npm_client_passes() {
    let run = |place: &TestDir, variables: &[(&str, &str)]| {
        node::script(place, "honeyhive.js", variables)
    };
    let Some(events) = events_of(run) else {
        return;
    };
    assert_eq!(named(&events, "node client")["metadata"]["done"], true);
    let asked = named(&events, "ask_model");
    assert_eq!(asked["event_type"], "model");
    assert_eq!(asked["metadata"]["plan"], "pro");
    for (name, kind) in [
        ("by traceModel", "model"),
        ("by traceTool", "tool"),
        ("by traceChain", "chain"),
        ("exported by traceModel", "model"),
        ("exported by traceTool", "tool"),
        ("exported by traceChain", "chain"),
        ("by logModel", "model"),
    ] {
        assert_eq!(named(&events, name)["event_type"], kind);
    }
    assert_eq!(
        named(&events, "node client")["feedback"],
        json!({"rating": 5})
    );
}

#[test]
fn the_langchain_tracer_of_the_npm_client_stores_its_session_and_events() {
    let before = now_in_millis();
    let run = |place: &TestDir, variables: &[(&str, &str)]| {
        node::script(place, "langchain.js", variables)
    };
    let Some(events) = events_of(run) else {
        return;
    };
    assert_eq!(events.len(), 10);
    let session = named(&events, "langchain");
    for (member, expected) in [
        ("source", json!("langchain")),
        ("metadata", json!({"plan": "pro", "done": true})),
        ("feedback", json!({"rating": 5})),
        ("metrics", json!({"score": 0.5})),
        ("user_properties", json!({"user": "u"})),
    ] {
        assert_eq!(session[member], expected, "{member}");
    }
    for (name, parent, kind, members) in langchain_events() {
        let event = named(&events, name);
        assert_eq!(event["event_type"], kind, "{name}");
        assert_eq!(
            event["parent_id"],
            named(&events, parent)["event_id"],
            "{name}"
        );
        for (member, expected) in members.as_object().unwrap() {
            assert_eq!(event[member], *expected, "{name}: {member}");
        }
        let time = |member: &str| event[member].as_f64().unwrap();
        let (start, end) = (time("start_time"), time("end_time"));
        assert!((before..=now_in_millis()).contains(&start), "{event}");
        assert!((time("duration") - (end - start)).abs() < 0.001, "{event}");
        assert_eq!(event["metadata"].get("original_start_time"), None);
    }
}

/// Returns name, parent, type and some members of the events that the script creates.
fn langchain_events() -> Vec<(&'static str, &'static str, &'static str, Value)> {
    let failed = |what: &str| json!({"error": format!("{what} failed")});
    vec![
        (
            "Chain",
            "langchain",
            "chain",
            json!({"inputs": {"question": "seven?"}, "outputs": {"answer": "sieben"}, "metadata": {"step": 1}}),
        ),
        (
            "Model",
            "Chain",
            "model",
            json!({
                "inputs": {"prompts": ["seven?"]}, "outputs": {"generations": ["sieben"]},
                "config": {"model": "Model", "provider": "provider", "temperature": 0.5},
            }),
        ),
        (
            "Tool",
            "Chain",
            "tool",
            json!({"inputs": {"input": "7"}, "outputs": {"output": "sieben"}}),
        ),
        (
            "Retriever",
            "Tool",
            "tool",
            json!({"inputs": {"query": "7"}, "outputs": {"documents": [{"pageContent": "sieben"}]}}),
        ),
        (
            "Agent Action",
            "Chain",
            "tool",
            json!({"outputs": {"output": {"answer": 7}, "log": "l"}}),
        ),
        ("Failing", "langchain", "chain", failed("chain")),
        ("Failing LLM", "Failing", "model", failed("LLM")),
        ("Failing Tool", "Failing", "tool", failed("Tool")),
        ("Failing Retriever", "Failing", "tool", failed("Retriever")),
    ]
}

/// Returns the time in whole Unix milliseconds, as the client measures it.
fn now_in_millis() -> f64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    (now.as_secs_f64() * 1e3).floor()
}

#[test]
fn honeyhive_logger_stores_its_events() {
    let run = |place: &TestDir, variables: &[(&str, &str)]| {
        python::script(place, python::CLIENT, "logger.py", variables)
    };
    let Some(events) = events_of(run) else {
        return;
    };
    assert_eq!(events.len(), 2);
    let logged = named(&events, "search");
    assert_eq!(logged["duration"], 25.0);
    assert_eq!(logged["metadata"], json!({"m": 1, "n": 2}));
    assert_eq!(logged["feedback"], json!({"rating": 5}));
}

#[test]
fn honeyhive_daemon_stores_its_events() {
    let run = |place: &TestDir, variables: &[(&str, &str)]| {
        python::script(place, python::DAEMON, "daemon.py", variables)
    };
    let Some(events) = events_of(run) else {
        return;
    };
    assert_eq!(named(&events, "session.start")["event_type"], "session");
    assert_eq!(named(&events, "turn.user")["event_type"], "chain");
}
