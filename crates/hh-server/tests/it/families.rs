//! What a key without the need to read learns and changes of what is stored.

use std::collections::BTreeSet;

use hh_auth::Level;
use serde_json::{Value, json};
use uuid::Uuid;

use super::spans::{SESSION, encode, in_session, label, span};
use super::support::{Answer, Client, TestServer, text};

const UNKNOWN: &str = "01234567-89ab-4def-8123-456789abcdef";
const MIB: usize = 1024 * 1024;

pub(crate) async fn start(client: &Client, session: &Value) -> Answer {
    let body = json!({"session": session});
    client.post("/session/start", &body).await
}

async fn patch(client: &Client, id: &str, members: &Value) -> Answer {
    let mut patch = json!({"event_id": id});
    let members = members.as_object().unwrap().clone();
    patch.as_object_mut().unwrap().extend(members);
    client.put("/events", &patch).await
}

/// Reads the events of a session.
pub(crate) async fn read(server: &TestServer, project: &str, session: &str) -> Vec<Value> {
    let filter = json!({"field": "session_id", "operator": "is", "value": session});
    let wanted = json!({"project": project, "filters": [filter]});
    let list = server.admin().events(&wanted).await;
    list["events"].as_array().unwrap().clone()
}

/// Reads a session itself.
pub(crate) async fn find(server: &TestServer, project: &str, session: &str) -> Value {
    let wanted = json!({"project": project, "filters": [
        {"field": "session_id", "operator": "is", "value": session},
        {"field": "event_type", "operator": "is", "value": "session"},
    ]});
    server.admin().events(&wanted).await["events"][0].clone()
}

/// Stores a span that has a session of its own, and returns the ids of the session and the event.
pub(crate) async fn send_span(
    client: &Client,
    server: &TestServer,
    project: &str,
    text_bytes: usize,
) -> [String; 2] {
    let session = Uuid::new_v4();
    let labels = vec![
        label("honeyhive.session_id", &session.to_string()),
        label("honeyhive.project", project),
        label("honeyhive_outputs.text", &"x".repeat(text_bytes)),
    ];
    let mut one = span(1, None, labels);
    one.trace_id = session.as_bytes().to_vec();
    client.export(&encode(vec![one])).await.assert_ok_empty();
    let session = session.to_string();
    let events = read(server, project, &session).await;
    let event = events.iter().find(|event| event["event_id"] != session);
    let event = text(&event.unwrap()["event_id"]);
    [session, event]
}

/// A session with a value in every member, which a key without the need to read must not get.
async fn fill(client: &Client, id: &str) {
    let session = json!({
        "session_id": id, "session_name": "STORED name", "source": "STORED source", "start_time": 123_456.0,
        "inputs": {"STORED": 1}, "config": {"STORED": 2}, "metadata": {"STORED": 3, "m": "STORED"},
        "user_properties": {"STORED": 4},
    });
    start(client, &session).await.assert_ok();
    let members = json!({
        "outputs": {"STORED": 5}, "metrics": {"STORED": 6}, "feedback": {"STORED": 7},
        "metadata": {"STORED patch": 8}, "duration": 77_777.0,
    });
    patch(client, id, &members).await.assert_ok();
}

/// An answer without what differs between any two requests: the session's own id, times of now and the request's id.
fn comparable(answer: &Answer, id: &str) -> (u16, BTreeSet<String>, Value) {
    let headers = answer.headers().iter().map(|(name, _)| name.clone());
    let mut body: Value = serde_json::from_str(&answer.text().replace(id, "ID")).unwrap();
    for time in ["start_time", "end_time"] {
        if body[time].as_f64().is_some_and(|time| time > 1e12) {
            body[time] = json!("now");
        }
    }
    (answer.status, headers.collect(), body)
}

#[tokio::test]
async fn an_ingest_only_key_cannot_read_a_stored_session() {
    let server = TestServer::start().await;
    let client = server.key(Level::IngestOnly, "all").await;
    let writer = server.key(Level::ReadWrite, "all").await;
    for sent in [
        json!({}),
        json!({"session_name": null, "inputs": null}),
        json!({"session_name": "sent", "source": "sent", "inputs": {"sent": 1}, "start_time": 5000.5}),
        json!({"metadata": {"m": "sent"}, "user_properties": {"sent": {"deep": [1]}}, "config": {"sent": 2}}),
        json!({"outputs": {"sent": 1}, "metrics": {"sent": 1}, "feedback": {"sent": 1}}),
        json!({"inputs": {"large": "x".repeat(100_000)}, "metadata": {"large": "x".repeat(100_000)}}),
    ] {
        let by_others = Uuid::new_v4().to_string();
        fill(&server.admin(), &by_others).await;
        let own = Uuid::new_v4().to_string();
        fill(&client, &own).await;
        let [by_spans, _] = send_span(&server.admin(), &server, "default", 10).await;
        let members = json!({"outputs": {"STORED": 1}, "metadata": {"STORED": 1}});
        patch(&server.admin(), &by_spans, &members)
            .await
            .assert_ok();
        let fresh = Uuid::new_v4().to_string();
        let mut answers = Vec::new();
        for id in [&fresh, &by_others, &own, &by_spans] {
            let mut session = sent.clone();
            session["session_id"] = json!(id);
            let answer = start(&client, &session).await;
            assert!(!answer.text().contains("STORED"), "{sent}");
            let body = answer.assert_ok();
            assert_eq!(body["session_id"], *id);
            assert_eq!(body["event_id"], *id);
            for member in ["inputs", "config", "metadata", "user_properties"] {
                let wanted = sent[member].as_object().cloned().unwrap_or_default();
                assert_eq!(body[member], Value::Object(wanted), "{member}");
            }
            answers.push(comparable(&answer, id));
        }
        for answer in &answers[1..] {
            assert_eq!(answer, &answers[0], "{sent}");
        }

        // The same request with a key that may read returns what is stored.
        let stored = start(&writer, &json!({"session_id": by_others}))
            .await
            .assert_ok();
        for member in ["outputs", "metrics", "feedback", "inputs", "metadata"] {
            assert!(stored[member].get("STORED").is_some(), "{member}");
        }
        let listed = find(&server, "default", &by_others).await;
        for (member, value) in listed.as_object().unwrap() {
            assert_eq!(&stored[member], value, "{member}");
        }
    }
}

#[tokio::test]
async fn an_export_reveals_nothing_stored_to_an_ingest_only_key() {
    let server = TestServer::start().await;
    let client = server.key(Level::IngestOnly, "all").await;
    fill(&server.admin(), SESSION).await;
    let spans = encode(vec![in_session(1, SESSION), in_session(2, UNKNOWN)]);
    server.admin().export(&spans).await.assert_ok_empty();
    let fresh = Uuid::new_v4().to_string();
    // New events of a new session, of a stored one, and events that are stored already.
    for spans in [
        vec![in_session(3, &fresh)],
        vec![in_session(4, SESSION)],
        vec![in_session(1, SESSION)],
    ] {
        client.export(&encode(spans)).await.assert_ok_empty();
    }
}

#[tokio::test]
async fn the_size_of_a_stored_session_shows_in_no_answer_to_an_ingest_only_key() {
    let server = TestServer::start().await;
    let client = server.key(Level::IngestOnly, "all").await;
    let other = server.key(Level::IngestOnly, "all").await;
    for (stored, sent) in [
        (10, MIB - 1000),
        (MIB - 1000, 10),
        (MIB - 1000, MIB - 1000),
        (3 * MIB, 2 * MIB),
    ] {
        let id = Uuid::new_v4().to_string();
        let first = json!({"session_id": id, "metadata": {"first": "x".repeat(stored)}});
        start(&client, &first).await.assert_ok();
        let second = json!({"session_id": id, "metadata": {"second": "y".repeat(sent)}});
        let fresh = json!({"metadata": second["metadata"]});
        let fresh = start(&client, &fresh).await;
        let fresh = comparable(&fresh, &text(&fresh.json()["event_id"]));
        for key in [&client, &other] {
            let answer = start(key, &second).await;
            assert!(comparable(&answer, &id) == fresh, "{stored} and {sent}");
        }
        // A key that may read learns that the merge was refused, and nothing was changed.
        if stored + sent > MIB {
            let third = json!({"session_id": id, "metadata": {"third": "z".repeat(sent)}});
            start(&server.admin(), &third).await.assert_problem(413);
            let again = start(&server.admin(), &first).await.assert_ok();
            assert!(again["metadata"] == first["metadata"], "{stored}");
        }
    }
}

#[tokio::test]
async fn an_ingest_only_key_patches_only_what_its_family_stored() {
    let server = TestServer::start().await;
    server.project("other").await;
    let mine = server.key(Level::IngestOnly, "all").await;
    let theirs = server.key(Level::IngestOnly, "all").await;
    let members = json!({
        "outputs": {"o": 1}, "metrics": {"m": 1}, "metadata": {"d": 1}, "feedback": {"f": 1},
        "config": {"c": 1}, "user_properties": {"u": 1}, "duration": 5.0,
    });
    for project in ["default", "other"] {
        for foreign in [theirs.clone(), server.admin()] {
            let session = json!({"project": project, "inputs": {"i": 1}});
            let [implicit, event] = send_span(&foreign, &server, project, 10).await;
            let started = text(&start(&foreign, &session).await.assert_ok()["event_id"]);
            for (session, id) in [
                (&implicit, &implicit),
                (&implicit, &event),
                (&started, &started),
            ] {
                let before = read(&server, project, session).await;
                let mut wanted = members.clone();
                wanted["project"] = json!(project);
                let refused = patch(&mine, id, &wanted).await;
                let unknown = patch(&mine, UNKNOWN, &wanted).await;
                assert_eq!(
                    refused.assert_problem(404).replace(id, "ID"),
                    unknown.assert_problem(404).replace(UNKNOWN, "ID"),
                );
                assert_eq!(read(&server, project, session).await, before);
                // Who stored it may, and so may a key that reads and writes.
                patch(&foreign, id, &wanted).await.assert_ok();
                let writer = server.key(Level::ReadWrite, "all").await;
                patch(&writer, id, &wanted).await.assert_ok();
                let after = read(&server, project, session).await;
                let patched = after.iter().find(|event| event["event_id"] == *id);
                assert_eq!(patched.unwrap()["outputs"], json!({"o": 1}));
                // Its id means nothing in another project, whoever asks.
                let elsewhere = if project == "other" {
                    "default"
                } else {
                    "other"
                };
                wanted["project"] = json!(elsewhere);
                for client in [&mine, &foreign, &writer] {
                    patch(client, id, &wanted).await.assert_problem(404);
                }
            }
        }
    }
}

#[tokio::test]
async fn a_rotated_key_patches_what_the_keys_before_it_stored() {
    let server = TestServer::start().await;
    let (mut id, key) = server.mint(Level::IngestOnly, "all").await;
    let stranger = server.key(Level::IngestOnly, "all").await;
    let mut client = server.client(&key);
    let mut stored = Vec::new();
    for _ in 0..3 {
        stored.extend(send_span(&client, &server, "default", 10).await);
        let session = start(&client, &json!({"metadata": {"a": 1}}))
            .await
            .assert_ok();
        stored.push(text(&session["event_id"]));
        let path = format!("/v1/api_keys/{id}/rotate");
        let grace = json!({"grace_seconds": 3600});
        let new = server.admin().post(&path, &grace).await.assert_ok();
        let old = std::mem::replace(&mut client, server.client(&text(&new["key"])));
        stored.extend(send_span(&client, &server, "default", 10).await);
        // Both keys work until the grace is over.
        for id in &stored {
            for patching in [&old, &client] {
                patch(patching, id, &json!({"metrics": {"by": 1}}))
                    .await
                    .assert_ok();
            }
            patch(&stranger, id, &json!({})).await.assert_problem(404);
        }
        let path = format!("/v1/api_keys/{id}");
        server.admin().delete(&path).await.assert_ok();
        id = text(&new["id"]);
    }
}

#[tokio::test]
async fn starting_a_session_of_another_family_changes_nothing_of_it() {
    let server = TestServer::start().await;
    let stranger = server.key(Level::IngestOnly, "all").await;
    let owner = server.key(Level::IngestOnly, "all").await;
    let filler = ["x".repeat(10), "x".repeat(200_000)];
    for (owner, filler) in [
        (server.admin(), &filler[0]),
        (owner.clone(), &filler[0]),
        (owner, &filler[1]),
    ] {
        let id = Uuid::new_v4().to_string();
        fill(&owner, &id).await;
        patch(&owner, &id, &json!({"outputs": {"filler": filler}}))
            .await
            .assert_ok();
        let before = find(&server, "default", &id).await;
        let session = json!({
            "session_id": id, "session_name": "new", "source": "new", "start_time": 1.0, "inputs": {"new": 1},
            "config": {"new": 1}, "metadata": {"new": 1, "m": "new"}, "user_properties": {"new": 1},
        });
        start(&stranger, &session).await.assert_ok();
        assert_eq!(find(&server, "default", &id).await, before);
        // It does not belong to the stranger now.
        patch(&stranger, &id, &json!({})).await.assert_problem(404);
        // The family that started it merges.
        start(&owner, &session).await.assert_ok();
        let after = find(&server, "default", &id).await;
        assert_eq!(after["metadata"]["m"], "new");
        assert_eq!(after["user_properties"]["new"], 1);
        assert_eq!(after["event_name"], "STORED name");
    }
}

#[tokio::test]
async fn a_session_that_only_spans_created_belongs_to_the_first_key_that_starts_it() {
    let server = TestServer::start().await;
    let tracing = server.key(Level::IngestOnly, "all").await;
    let first = server.key(Level::IngestOnly, "all").await;
    let second = server.key(Level::IngestOnly, "all").await;
    let [id, event] = send_span(&tracing, &server, "default", 10).await;
    patch(&tracing, &id, &json!({"metadata": {"early": 1}}))
        .await
        .assert_ok();
    let session = |name: &str| json!({"session_id": id, "session_name": name, "inputs": {"by": name}, "metadata": {"by": name}});
    start(&first, &session("first")).await.assert_ok();
    start(&second, &session("second")).await.assert_ok();
    let stored = find(&server, "default", &id).await;
    assert_eq!(stored["event_name"], "first");
    assert_eq!(stored["inputs"], json!({"by": "first"}));
    assert_eq!(stored["metadata"], json!({"by": "first", "early": 1}));
    patch(&first, &id, &json!({})).await.assert_ok();
    for other in [&tracing, &second] {
        patch(other, &id, &json!({})).await.assert_problem(404);
    }
    // The event is still of the key that sent the span.
    patch(&tracing, &event, &json!({})).await.assert_ok();
    patch(&first, &event, &json!({})).await.assert_problem(404);
}

#[tokio::test]
async fn rows_without_a_family_are_foreign_to_ingest_only_keys() {
    let server = TestServer::start().await;
    let client = server.key(Level::IngestOnly, "all").await;
    let [implicit, event] = send_span(&client, &server, "default", 10).await;
    let session = text(
        &start(&client, &json!({"metadata": {"a": 1}}))
            .await
            .assert_ok()["event_id"],
    );
    let database = server.data_dir().join("honeyhive.db");
    let connection = rusqlite::Connection::open(database).unwrap();
    connection
        .execute_batch("UPDATE sessions SET family = NULL; UPDATE events SET family = NULL;")
        .unwrap();
    for id in [&implicit, &event, &session] {
        patch(&client, id, &json!({})).await.assert_problem(404);
        patch(&server.admin(), id, &json!({})).await.assert_ok();
    }
    let sent = json!({"session_id": session, "metadata": {"a": 2}});
    start(&client, &sent).await.assert_ok();
    let stored = find(&server, "default", &session).await;
    assert_eq!(stored["metadata"], json!({"a": 1}));
    // A session without a start can still be started.
    start(
        &client,
        &json!({"session_id": implicit, "session_name": "s"}),
    )
    .await
    .assert_ok();
    patch(&client, &implicit, &json!({})).await.assert_ok();
}

#[tokio::test]
async fn a_session_under_the_id_of_an_event_does_not_divert_patches_of_the_event() {
    let server = TestServer::start().await;
    let mine = server.key(Level::IngestOnly, "all").await;
    let theirs = server.key(Level::IngestOnly, "all").await;
    let [_, event] = send_span(&mine, &server, "default", 10).await;
    start(&theirs, &json!({"session_id": event}))
        .await
        .assert_ok();
    patch(&mine, &event, &json!({"metrics": {"mine": 1}}))
        .await
        .assert_ok();
    patch(&theirs, &event, &json!({"metrics": {"theirs": 1}}))
        .await
        .assert_ok();
    patch(&server.admin(), &event, &json!({"feedback": {"f": 1}}))
        .await
        .assert_ok();
    let list = server.admin().events(&json!({})).await;
    let metrics: Vec<_> = list["events"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|found| found["event_id"] == event)
        .map(|found| {
            let kind = text(&found["event_type"]);
            (kind, found["metrics"].clone(), found["feedback"].clone())
        })
        .collect();
    assert_eq!(metrics.len(), 2);
    assert!(metrics.contains(&("tool".to_owned(), json!({"mine": 1}), json!({"f": 1}))));
    assert!(metrics.contains(&("session".to_owned(), json!({"theirs": 1}), json!({}))));
}
