//! Tests the operations that create and return single events and sessions.

use hh_auth::Level;
use serde_json::{Value, json};

use super::spans::SESSION;
use super::support::{Client, TestServer, text};

const OTHER: &str = "01234567-89ab-4def-8123-456789abcdef";
const MISSING: &str = "00000000-0000-4000-8000-000000000000";

async fn event(client: &Client, id: &str) -> Value {
    let found = client.get(&format!("/v1/events/{id}")).await.assert_ok();
    found["event"].clone()
}

fn version(id: &Value) -> usize {
    uuid::Uuid::parse_str(&text(id)).unwrap().get_version_num()
}

#[tokio::test]
async fn an_event_is_created_on_both_routes_and_returned_by_its_id() {
    let server = TestServer::start().await;
    let client = server.key(Level::ReadWrite, "all").await;
    let sent = json!({
        "project": "", "source": "cap", "event_name": "ev1", "event_type": "model", "session_id": SESSION,
        "config": {"model": "m"}, "inputs": {"i": 1}, "outputs": {"o": 1}, "duration": 12.5,
        "start_time": 1_795_461_676_000_i64, "metadata": {"m": 1}, "metrics": {"s": 0.5},
        "feedback": {"f": true}, "user_properties": {"u": "1"}, "error": null, "children_ids": [],
    });
    let wrapped = json!({"event": sent, "more": 1});
    let legacy = client.post("/events", &wrapped).await.assert_ok();
    let v1 = client.post("/v1/events", &sent).await.assert_ok();
    for created in [legacy, v1] {
        assert_eq!(created["success"], true);
        assert_eq!(version(&created["event_id"]), 7);
        let mut stored = event(&client, &text(&created["event_id"])).await;
        let members = stored.as_object_mut().unwrap();
        assert_eq!(
            members.remove("event_id"),
            Some(created["event_id"].clone())
        );
        assert!(members.remove("project_id").is_some());
        assert_eq!(
            stored,
            json!({
                "session_id": SESSION, "parent_id": SESSION, "event_type": "model", "event_name": "ev1",
                "source": "cap", "config": {"model": "m"}, "inputs": {"i": 1}, "outputs": {"o": 1},
                "start_time": 1_795_461_676_000.0, "end_time": 1_795_461_676_012.5, "duration": 12.5,
                "metadata": {"m": 1}, "metrics": {"s": 0.5}, "feedback": {"f": true},
                "user_properties": {"u": "1"},
            })
        );
    }
    // The session was created by its events.
    let session = client.get(&format!("/session/{SESSION}")).await.assert_ok();
    assert_eq!(session["event_type"], "session");
    assert_eq!(session["event_id"], SESSION);
}

#[tokio::test]
async fn unknown_members_are_ignored_on_the_legacy_route_and_rejected_on_the_other() {
    let server = TestServer::start().await;
    let client = server.key(Level::ReadWrite, "all").await;
    let sent = json!({"event_type": "tool", "inputs": {}, "evaluations": {"a": 1}});
    client
        .post("/events", &json!({"event": sent}))
        .await
        .assert_ok();
    client
        .post("/events", &json!({"event": sent.to_string()}))
        .await
        .assert_ok();
    let message = client.post("/v1/events", &sent).await.assert_problem(400);
    assert!(
        message.contains("unknown field \"evaluations\""),
        "{message}"
    );
    let batch = json!({"events": [sent], "evaluations": 1});
    client.post("/events/batch", &batch).await.assert_ok();
    client
        .post("/v1/events/batch", &batch)
        .await
        .assert_problem(400);
    let session = json!({"session_name": "s", "more": 1});
    client
        .post("/v1/sessions", &session)
        .await
        .assert_problem(400);
    client
        .post("/v1/events/search", &json!({"projections": []}))
        .await
        .assert_problem(400);
}

#[tokio::test]
async fn an_event_with_a_stored_id_changes_nothing() {
    let server = TestServer::start().await;
    let client = server.key(Level::ReadWrite, "all").await;
    for name in ["first", "second"] {
        let sent =
            json!({"event_type": "tool", "inputs": {}, "event_id": OTHER, "event_name": name});
        let created = client.post("/v1/events", &sent).await.assert_ok();
        assert_eq!(created["event_id"], OTHER);
    }
    assert_eq!(event(&client, OTHER).await["event_name"], "first");
}

#[tokio::test]
async fn an_event_of_the_type_session_is_the_session() {
    let server = TestServer::start().await;
    let client = server.key(Level::ReadWrite, "all").await;
    let sent = json!({
        "event_type": "session", "inputs": {"q": 1}, "event_id": SESSION, "session_id": SESSION,
        "session_name": "mine", "outputs": {"a": 2}, "metrics": {"m": 1},
        "start_time": 1_795_461_676_000_i64, "end_time": 1_795_461_677_000_i64,
    });
    client
        .post("/events", &json!({"event": sent}))
        .await
        .assert_ok();
    for path in [
        format!("/session/{SESSION}"),
        format!("/v1/sessions/{SESSION}"),
    ] {
        let session = client.get(&path).await.assert_ok();
        for (name, value) in [
            ("event_name", json!("mine")),
            ("inputs", json!({"q": 1})),
            ("outputs", json!({"a": 2})),
            ("metrics", json!({"m": 1})),
            ("duration", json!(1000.0)),
        ] {
            assert_eq!(session[name], value, "{name}");
        }
        assert!(
            session
                .as_object()
                .unwrap()
                .values()
                .all(|value| !value.is_null())
        );
    }
    let events = client.events(&json!({})).await;
    assert_eq!(events["count"], 1);
}

#[tokio::test]
async fn a_batch_returns_its_ids_in_order_and_starts_its_session() {
    let server = TestServer::start().await;
    let client = server.key(Level::ReadWrite, "all").await;
    let events = json!([
        {"event_type": "chain", "inputs": {}, "event_name": "one", "event_id": "a", "start_time": 1_795_461_676_000_i64},
        {"event_type": "tool", "inputs": {}, "event_name": "two", "parent_id": "a"},
        {"event_type": "model", "inputs": {}, "event_name": "three", "event_id": OTHER},
    ]);
    for body in [
        json!({"events": events, "is_single_session": true, "session_properties": {"session_name": "batch", "metadata": {"m": 1}}}),
        json!({"events": events, "single_session": true, "session": {"session_name": "batch", "metadata": {"m": 1}}}),
    ] {
        let created = client.post("/events/batch", &body).await.assert_ok();
        let ids = created["event_ids"].as_array().unwrap();
        assert_eq!((created["success"].clone(), ids.len()), (json!(true), 3));
        assert_eq!(ids[2], OTHER);
        let session = text(&created["session_id"]);
        for (id, name) in ids.iter().zip(["one", "two"]) {
            let stored = event(&client, &text(id)).await;
            assert_eq!(
                (&stored["event_name"], &stored["session_id"]),
                (&json!(name), &json!(session))
            );
        }
        assert_eq!(event(&client, &text(&ids[1])).await["parent_id"], ids[0]);
        let started = client
            .get(&format!("/v1/sessions/{session}"))
            .await
            .assert_ok();
        assert_eq!(started["event_name"], "batch");
        assert_eq!(started["metadata"], json!({"m": 1}));
        assert_eq!(started["start_time"], 1_795_461_676_000.0);
    }
    // Without a common session, each event has its own.
    let apart = client
        .post("/v1/events/batch", &json!({"events": events}))
        .await
        .assert_ok();
    assert_eq!(apart.get("session_id"), None);
    let ids = apart["event_ids"].as_array().unwrap();
    let first = event(&client, &text(&ids[0])).await["session_id"].clone();
    assert_ne!(first, event(&client, &text(&ids[1])).await["session_id"]);
    let empty = client
        .post("/events/batch", &json!({"events": []}))
        .await
        .assert_ok();
    assert_eq!(empty, json!({"success": true, "event_ids": []}));
}

#[tokio::test]
async fn an_invalid_event_does_not_cost_the_others_of_its_batch() {
    let server = TestServer::start().await;
    let client = server.key(Level::ReadWrite, "all").await;
    let good = json!({"event_type": "tool", "inputs": {}, "event_id": OTHER});
    let batch = json!({"events": [{"inputs": {}}, good, {"event_type": "tool"}]});
    for path in ["/events/batch", "/v1/events/batch"] {
        let answer = client.post(path, &batch).await;
        assert_eq!(answer.status, 500);
        let body = answer.json();
        assert_eq!(body["success"], false);
        assert_eq!(body["event_ids"], json!([OTHER]));
        assert_eq!(
            body["errors"],
            json!([
                "event 1: missing field \"event_type\"",
                "event 3: missing field \"inputs\""
            ])
        );
        assert_eq!(
            body["message"],
            "2 of 3 events were not stored: event 1: missing field \"event_type\""
        );
    }
    assert_eq!(event(&client, OTHER).await["event_type"], "tool");
    let none = json!({"events": [{"inputs": {}}]});
    let message = client
        .post("/events/batch", &none)
        .await
        .assert_problem(400);
    assert_eq!(
        message,
        "no event was stored: event 1: missing field \"event_type\""
    );
}

#[tokio::test]
async fn events_are_added_to_the_session_of_the_path() {
    let server = TestServer::start().await;
    let client = server.key(Level::ReadWrite, "all").await;
    let events = json!([{"event_type": "tool", "inputs": {}, "session_id": OTHER}]);
    let v1 = format!("/v1/sessions/{SESSION}/events/batch");
    let legacy = format!("/session/{SESSION}/traces");
    let added = client
        .post(&v1, &json!({"events": events}))
        .await
        .assert_ok();
    assert_eq!(added, json!({"success": true}));
    client
        .post(&legacy, &json!({"logs": events}))
        .await
        .assert_ok();
    let filters =
        json!([{"field": "session_id", "operator": "is", "value": SESSION, "type": "string"}]);
    assert_eq!(
        client.events(&json!({"filters": filters})).await["count"],
        3
    );
    let both = json!({"logs": events, "events": events});
    client.post(&legacy, &both).await.assert_problem(400);
}

#[tokio::test]
async fn children_of_events_are_stored_with_their_parents_and_bad_ones_cost_only_themselves() {
    let server = TestServer::start().await;
    let client = server.key(Level::ReadWrite, "all").await;
    let log = |name: &str, children: Value| json!({"event_type": "chain", "inputs": {}, "event_name": name, "children": children});
    let tree = log(
        "root",
        json!([log("child", json!([log("leaf", json!([]))])), {"event_type": "tool"}]),
    );
    let path = format!("/session/{SESSION}/traces");
    let response = client.post(&path, &json!({"logs": [tree]})).await;
    assert_eq!(response.status, 500);
    assert_eq!(
        response.json()["message"],
        "1 of 4 events were not stored: event 3: missing field \"inputs\""
    );
    let events = client.events(&json!({})).await["events"].clone();
    let named = |name: &str| {
        let mut events = events.as_array().unwrap().iter();
        events.find(|event| event["event_name"] == name).unwrap()
    };
    assert_eq!(named("root")["parent_id"], SESSION);
    assert_eq!(named("child")["parent_id"], named("root")["event_id"]);
    assert_eq!(named("leaf")["parent_id"], named("child")["event_id"]);
    assert_eq!(named("leaf")["session_id"], SESSION);
}

#[tokio::test]
async fn calls_to_models_are_stored_as_events() {
    let server = TestServer::start().await;
    let client = server.key(Level::ReadWrite, "all").await;
    let call = json!({
        "project": "default", "model": "m-1", "provider": "p", "duration": 42,
        "messages": [{"role": "user", "content": "hello"}], "response": {"content": "hi"},
        "usage": {"total_tokens": 4}, "cost": 0.5, "session_id": SESSION,
    });
    let created = client
        .post("/events/model", &json!({"model_event": call}))
        .await
        .assert_ok();
    let stored = event(&client, &text(&created["event_id"])).await;
    assert_eq!(stored["event_type"], "model");
    assert_eq!(stored["config"], json!({"model": "m-1", "provider": "p"}));
    assert_eq!(stored["inputs"]["chat_history"][0]["content"], "hello");
    assert_eq!(stored["outputs"], json!({"content": "hi"}));
    assert_eq!(stored["metadata"], json!({"cost": 0.5, "total_tokens": 4}));
    let several = json!({"model_events": [call, call], "is_single_session": true});
    let created = client
        .post("/events/model/batch", &several)
        .await
        .assert_ok();
    assert_eq!(created["event_ids"].as_array().unwrap().len(), 2);
    assert_eq!(created["session_id"], SESSION);
}

#[tokio::test]
async fn a_session_is_created_once_and_merged_afterwards() {
    let server = TestServer::start().await;
    let client = server.key(Level::ReadWrite, "all").await;
    let create = |body: Value| {
        let client = client.clone();
        async move { client.post("/v1/sessions", &body).await.assert_ok() }
    };
    let first = create(json!({
        "session_id": SESSION, "session_name": "s", "event_name": "e", "metadata": {"a": 1}, "outputs": {"o": 1},
        "start_time": "soon", "duration": 1500,
    }))
    .await;
    for member in [
        "event_id",
        "session_id",
        "org_id",
        "workspace_id",
        "project_id",
    ] {
        assert_ne!(text(&first[member]), "", "{member}");
    }
    assert_eq!(first["session_id"], SESSION);
    assert_eq!(first["event_name"], "e");
    assert_eq!(first["outputs"], json!({"o": 1}));
    assert_eq!(first["duration"], 1500.0);
    let again = create(json!({"session_id": SESSION, "event_name": "x", "metadata": {"b": 2}, "user_properties": {"u": 1}})).await;
    assert_eq!(again["event_name"], "e");
    assert_eq!(again["metadata"], json!({"a": 1, "b": 2}));
    assert_eq!(again["user_properties"], json!({"u": 1}));
    let replaced = create(json!({"session_id": "no uuid"})).await;
    assert_eq!(version(&replaced["session_id"]), 4);
    assert_eq!(
        (&replaced["event_name"], &replaced["source"]),
        (&json!("unknown"), &json!("unknown"))
    );
}

#[tokio::test]
async fn an_event_that_does_not_exist_is_404() {
    let server = TestServer::start().await;
    let client = server.key(Level::ReadOnly, "all").await;
    let created = server
        .admin()
        .post("/v1/events", &json!({"event_type": "tool", "inputs": {}}))
        .await
        .assert_ok();
    let id = text(&created["event_id"]);
    for path in [
        format!("/v1/events/{MISSING}"),
        format!("/session/{MISSING}"),
        format!("/v1/sessions/{MISSING}"),
        // An event is not a session.
        format!("/v1/sessions/{id}"),
        format!("/v1/projects/nowhere/events/{id}"),
    ] {
        client.get(&path).await.assert_problem(404);
    }
    client.get("/v1/events/no-uuid").await.assert_problem(400);
    let project = text(&event(&client, &id).await["project_id"]);
    let scoped = client
        .get(&format!("/v1/projects/{project}/events/{id}"))
        .await
        .assert_ok();
    assert_eq!(scoped["event"]["event_id"], json!(id));
}

#[tokio::test]
async fn an_ingest_key_cannot_take_over_the_id_of_a_session() {
    let server = TestServer::start().await;
    let owner = server.key(Level::ReadWrite, "all").await;
    let stranger = server.key(Level::IngestOnly, "all").await;
    let session = json!({"session": {"session_id": SESSION}});
    owner.post("/session/start", &session).await.assert_ok();
    // The response does not reveal that the session exists.
    let sent = json!({"event_type": "tool", "inputs": {}, "event_id": SESSION});
    let created = stranger.post("/v1/events", &sent).await.assert_ok();
    assert_eq!(created["event_id"], SESSION);
    let patch = json!({"metadata": {"a": 1}});
    owner
        .put(&format!("/v1/events/{SESSION}"), &patch)
        .await
        .assert_ok();
    let stored = owner.get(&format!("/session/{SESSION}")).await.assert_ok();
    assert_eq!(stored["metadata"], json!({"a": 1}));
    assert_eq!(owner.events(&json!({})).await["count"], 1);
}

#[tokio::test]
async fn an_ingest_key_creates_events_and_reads_none() {
    let server = TestServer::start().await;
    let client = server.key(Level::IngestOnly, "all").await;
    let sent = json!({"event_type": "tool", "inputs": {}, "event_id": OTHER});
    client.post("/v1/events", &sent).await.assert_ok();
    client
        .get(&format!("/v1/events/{OTHER}"))
        .await
        .assert_problem(403);
    let session = json!({"session_id": SESSION, "duration": 5});
    client.post("/v1/sessions", &session).await.assert_ok();
    let stored = server
        .admin()
        .get(&format!("/session/{SESSION}"))
        .await
        .assert_ok();
    assert_eq!(stored["duration"], 5.0);
}

#[tokio::test]
async fn a_session_that_events_created_keeps_all_members_of_its_start() {
    let server = TestServer::start().await;
    let client = server.admin();
    let first = json!({"event_type": "tool", "inputs": {}, "session_id": SESSION});
    client.post("/v1/events", &first).await.assert_ok();
    let start = json!({
        "session_id": SESSION, "session_name": "late", "inputs": {"i": 1}, "outputs": {"o": 1}, "config": {"c": 1},
        "metadata": {"m": 1}, "user_properties": {"u": 1},
    });
    client.post("/v1/sessions", &start).await.assert_ok();
    let stored = client
        .get(&format!("/v1/sessions/{SESSION}"))
        .await
        .assert_ok();
    for member in ["inputs", "outputs", "config", "metadata", "user_properties"] {
        assert_eq!(stored[member], start[member], "{member}");
    }
    assert_eq!(stored["event_name"], "late");
}

#[tokio::test]
async fn the_session_of_a_batch_does_not_start_in_the_far_future() {
    let server = TestServer::start().await;
    let client = server.admin();
    let batch = json!({
        "events": [{"event_type": "tool", "inputs": {}}], "is_single_session": true,
        "session_properties": {"start_time": 9e18},
    });
    let created = client.post("/events/batch", &batch).await.assert_ok();
    let path = format!("/v1/sessions/{}", text(&created["session_id"]));
    let stored = client.get(&path).await.assert_ok();
    // In Unix milliseconds, before the year 2100.
    assert!(stored["start_time"].as_f64().unwrap() < 4.1e12, "{stored}");
}
