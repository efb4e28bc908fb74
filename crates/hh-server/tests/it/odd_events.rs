//! Tests events and sessions with unusual values: one bad event never costs its neighbors.

use hh_auth::Level;
use serde_json::{Value, json};

use super::spans::SESSION;
use super::support::{Answer, Client, JSON, TestServer, text};

async fn post(client: &Client, path: &str, body: impl AsRef<[u8]>) -> Answer {
    client.send("POST", path, &[JSON], body.as_ref()).await
}

async fn stored(client: &Client, id: &Value) -> Value {
    let path = format!("/v1/events/{}", text(id));
    client.get(&path).await.assert_ok()["event"].clone()
}

#[tokio::test]
async fn one_invalid_event_of_a_batch_is_rejected_alone_on_every_route() {
    let server = TestServer::start().await;
    let client = server.key(Level::ReadWrite, "all").await;
    let good = r#"{"event_type": "model", "inputs": {}}"#;
    for (odd, reason) in [
        ("null", "a value has the wrong type"),
        (
            r#"{"event_type": "tool", "inputs": {}, "start_time": "abc"}"#,
            "the value of \"start_time\" has the wrong type",
        ),
        (
            r#"{"event_type": "tool", "inputs": {}, "metadata": "text"}"#,
            "the value of \"metadata\" has the wrong type",
        ),
    ] {
        for (path, list) in [
            ("/events/batch", "events"),
            ("/v1/events/batch", "events"),
            ("/events/model/batch", "model_events"),
            (&format!("/v1/sessions/{SESSION}/events/batch"), "events"),
            (&format!("/session/{SESSION}/traces"), "logs"),
        ] {
            let body = format!(r#"{{"{list}": [{good}, {odd}, {good}]}}"#);
            let answer = post(&client, path, body).await;
            assert_eq!(answer.status, 500, "{path} {odd}");
            let answer = answer.json();
            assert_eq!(answer["event_ids"].as_array().unwrap().len(), 2, "{path}");
            assert_eq!(answer["errorCode"], "PARTIAL_FAILURE");
            let error = text(&answer["errors"][0]);
            // Members of calls to models are collected before they are read.
            if list != "model_events" {
                assert_eq!(error, format!("event 2: {reason}"), "{path}");
            }
            for id in answer["event_ids"].as_array().unwrap() {
                assert_eq!(stored(&client, id).await["event_type"], "model");
            }
        }
    }
    let only = r#"{"events": [null, 5]}"#;
    let message = post(&client, "/events/batch", only)
        .await
        .assert_problem(400);
    assert_eq!(
        message,
        "no event was stored: event 1: a value has the wrong type"
    );
    let damaged = format!(r#"{{"events": [{good}, {{"a": ]}}]}}"#);
    let message = post(&client, "/events/batch", damaged)
        .await
        .assert_problem(400);
    assert!(
        message.starts_with("the body is not valid JSON"),
        "{message}"
    );
}

#[tokio::test]
async fn the_number_of_rejected_events_is_exact_beyond_the_listed_reasons() {
    let server = TestServer::start().await;
    let client = server.admin();
    let odd = "5,".repeat(150);
    let body = format!(r#"{{"events": [{odd} {{"event_type": "tool", "inputs": {{}}}}]}}"#);
    let answer = post(&client, "/events/batch", body).await.json();
    assert_eq!(answer["errors"].as_array().unwrap().len(), 100);
    let message = text(&answer["message"]);
    assert!(message.starts_with("150 of 151 events"), "{message}");
}

#[tokio::test]
async fn odd_text_and_numbers_are_stored_on_every_route() {
    let server = TestServer::start().await;
    let client = server.key(Level::ReadWrite, "all").await;
    let odd = r#"{"text": "a\ud800b", "big": 123456789012345678901234567890123456789, "huge": 1e400, "nan": NaN}"#;
    let expected = json!({
        "text": "a\u{fffd}b", "big": "123456789012345678901234567890123456789", "huge": "1e400", "nan": "NaN",
    });
    let event = format!(r#"{{"event_type": "tool", "inputs": {odd}}}"#);
    let created = post(&client, "/v1/events", &event).await.assert_ok();
    assert_eq!(
        stored(&client, &created["event_id"]).await["inputs"],
        expected
    );
    let wrapped = format!(r#"{{"event": {event}}}"#);
    let created = post(&client, "/events", wrapped).await.assert_ok();
    let id = &created["event_id"];
    assert_eq!(stored(&client, id).await["inputs"], expected);
    let patch = format!(r#"{{"event_id": {id}, "metadata": {odd}}}"#);
    let changed = client.send("PUT", "/events", &[JSON], patch.as_bytes());
    changed.await.assert_ok();
    assert_eq!(stored(&client, id).await["metadata"], expected);
    for (path, body) in [
        (
            "/session/start",
            format!(r#"{{"session": {{"metadata": {odd}}}}}"#),
        ),
        ("/v1/sessions", format!(r#"{{"metadata": {odd}}}"#)),
    ] {
        let started = post(&client, path, body).await.assert_ok();
        assert_eq!(started["metadata"], expected, "{path}");
    }
    let mut invalid = br#"{"event_type": "tool", "inputs": {}, "event_name": "a?b"}"#.to_vec();
    let at = invalid.iter().position(|byte| *byte == b'?').unwrap();
    invalid[at] = 0xff;
    let created = post(&client, "/v1/events", invalid).await.assert_ok();
    let named = stored(&client, &created["event_id"]).await;
    assert_eq!(named["event_name"], "a\u{fffd}b");
}

/// Returns a batch of events with one unusual value each between two good events.
fn batch(member: &str) -> (String, usize) {
    const ODD: [&str; 24] = [
        "null",
        "true",
        "[]",
        "{}",
        "\"\"",
        "0",
        "-1",
        "-0",
        "1e21",
        "3.0",
        "1e-400",
        "1e400",
        "NaN",
        "-Infinity",
        "18446744073709551616",
        "[null]",
        "[[[]]]",
        "\"\\ud800\"",
        "\"\\u0000\"",
        "\"\\x\"",
        "\" 5 \"",
        "9e18",
        "-9e18",
        "{\"a\": {\"b\": [1, {}]}}",
    ];
    const GOOD: &str = r#"{"event_type": "tool", "inputs": {}, "event_name": "good"}"#;
    let odd =
        ODD.map(|value| format!(r#"{{"event_type": "tool", "inputs": {{}}, {member}: {value}}}"#));
    let events = [&[GOOD.to_owned()][..], &odd, &[GOOD.to_owned()]].concat();
    (
        format!(r#"{{"events": [{}]}}"#, events.join(",")),
        events.len(),
    )
}

#[tokio::test]
async fn odd_values_of_each_member_are_stored_or_rejected_without_their_neighbors() {
    let server = TestServer::start().await;
    let client = server.admin();
    let mut good = 0;
    for member in [
        "event_id",
        "session_id",
        "parent_id",
        "children_ids",
        "event_name",
        "session_name",
        "source",
        "config",
        "outputs",
        "error",
        "start_time",
        "end_time",
        "duration",
        "metadata",
        "metrics",
        "feedback",
        "user_properties",
    ] {
        let (body, events) = batch(&format!("\"{member}\""));
        let answer = post(&client, "/events/batch", body).await.json();
        let ids = answer["event_ids"].as_array().unwrap().len();
        let errors = answer["errors"].as_array().map_or(0, Vec::len);
        assert_eq!(ids + errors, events, "{member}: {answer}");
        good += 2;
        let filters =
            json!([{"field": "event_name", "operator": "is", "value": "good", "type": "string"}]);
        let found = client.events(&json!({"filters": filters})).await;
        assert_eq!(found["count"], good, "{member}");
    }
}

#[tokio::test]
async fn a_repeated_event_creates_no_session() {
    let server = TestServer::start().await;
    let client = server.key(Level::ReadWrite, "all").await;
    let id = "01234567-89ab-4def-8123-456789abcdef";
    let event = json!({"event_type": "tool", "inputs": {}, "event_id": id});
    for _ in 0..3 {
        client.post("/v1/events", &event).await.assert_ok();
        client
            .post("/events/batch", &json!({"events": [event]}))
            .await
            .assert_ok();
    }
    // The event and its session.
    assert_eq!(client.events(&json!({})).await["count"], 2);
    let other = json!({"event_type": "tool", "inputs": {}, "event_id": id, "session_id": SESSION});
    client.post("/v1/events", &other).await.assert_ok();
    assert_eq!(client.events(&json!({})).await["count"], 2);
    client
        .get(&format!("/v1/sessions/{SESSION}"))
        .await
        .assert_problem(404);
    let single = json!({"is_single_session": true, "events": [
        {"event_type": "tool", "inputs": {}, "event_id": "11234567-89ab-4def-8123-456789abcdef"},
        {"event_type": "tool", "inputs": {}, "event_id": "21234567-89ab-4def-8123-456789abcdef"},
    ]});
    let first = client.post("/events/batch", &single).await.assert_ok();
    let again = client.post("/events/batch", &single).await.assert_ok();
    assert_eq!(first, again);
    assert_eq!(client.events(&json!({})).await["count"], 5);
}

#[tokio::test]
async fn the_sessions_of_a_batch_are_started_before_its_events() {
    let server = TestServer::start().await;
    let client = server.key(Level::ReadWrite, "all").await;
    let large = "x".repeat(100 * 1024);
    let events: Vec<_> = (0..3)
        .flat_map(|number| {
            let session = format!("0000000{number}-0000-4000-8000-000000000000");
            [
                json!({"event_type": "tool", "inputs": {}, "session_id": session}),
                json!({"event_type": "session", "inputs": {}, "event_id": session, "session_id": session,
                    "session_name": format!("session {number}"), "metadata": {"large": large}}),
            ]
        })
        .collect();
    let batch = json!({"events": events});
    // The second request merges large sessions.
    for _ in 0..2 {
        client.post("/v1/events/batch", &batch).await.assert_ok();
    }
    for number in 0..3 {
        let path = format!("/v1/sessions/0000000{number}-0000-4000-8000-000000000000");
        let session = client.get(&path).await.assert_ok();
        assert_eq!(session["event_name"], format!("session {number}"));
    }
}

#[tokio::test]
async fn a_change_cannot_move_the_end_to_the_far_future() {
    let server = TestServer::start().await;
    let client = server.key(Level::ReadWrite, "all").await;
    let sent = json!({"event_type": "tool", "inputs": {}, "session_id": SESSION});
    let created = client.post("/v1/events", &sent).await.assert_ok();
    for id in [text(&created["event_id"]), SESSION.to_owned()] {
        for patch in [json!({"end_time": 1e300}), json!({"duration": 1e300})] {
            let path = format!("/v1/events/{id}");
            client.put(&path, &patch).await.assert_ok();
            let event = stored(&client, &json!(id)).await;
            // At most a day after the request, and before the year 2100.
            assert!(event["end_time"].as_f64().unwrap() < 4.1e12, "{event}");
            assert!(
                event["duration"].as_f64().unwrap() <= 86_460_000.0,
                "{event}"
            );
        }
        client
            .put(&format!("/v1/events/{id}"), &json!({"duration": 5}))
            .await
            .assert_ok();
        assert_eq!(stored(&client, &json!(id)).await["duration"], 5.0);
    }
}
