//! Tests patches of large events, and many concurrent patches.

use hh_auth::Level;
use serde_json::json;
use tokio::task::JoinSet;
use uuid::Uuid;

use super::families::{find, read, send_span, start};
use super::spans::{BASE, SESSION, encode, in_session, label, span};
use super::support::TestServer;

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

/// Each span can move the end of its session, which must not rewrite the body of the session.
#[tokio::test]
async fn spans_of_a_large_session_write_little() {
    const MIB: u64 = 1024 * 1024;

    let server = TestServer::start().await;
    let admin = server.admin();
    let text = "x".repeat(15 * 1024 * 1024);
    // The session starts before all of its spans, so that each span moves its end.
    let session = json!({"session": {
        "session_id": SESSION,
        "start_time": BASE / 1_000_000,
        "inputs": {"text": text},
    }});
    admin.post("/session/start", &session).await.assert_ok();
    let log = server.data_dir().join("honeyhive.db-wal");
    let size = || std::fs::metadata(&log).unwrap().len();
    let before = size();
    for number in 1..=20 {
        let span = encode(vec![in_session(number, SESSION)]);
        admin.export(&span).await.assert_ok_empty();
    }
    assert!(size() < before + 4 * MIB, "{} bytes", size() - before);
    let filters = json!([{"field": "event_type", "operator": "is", "value": "session"}]);
    let list = admin.events(&json!({"filters": filters})).await;
    let stored = &list["events"][0];
    assert_eq!(stored["inputs"]["text"].as_str().unwrap().len(), text.len());
    let end = stored["end_time"].as_f64().unwrap();
    assert!(end > stored["start_time"].as_f64().unwrap());
}

#[tokio::test]
async fn a_patch_of_an_event_larger_than_one_mebibyte_is_refused() {
    let server = TestServer::start().await;
    let admin = server.admin();
    let inputs = json!({"filler": "x".repeat(15 * MIB)});
    let sent = json!({"session_id": SESSION, "inputs": inputs, "metadata": {"f": 0.1}});
    start(&admin, &sent).await.assert_ok();
    let [_, large] = send_span(&admin, &server, "default", MIB).await;
    let mut messages = Vec::new();
    for id in [SESSION, &large] {
        for members in [
            json!({"metrics": {"m": 1}}),
            json!({"outputs": {}}),
            json!({"duration": 5.0}),
            json!({}),
        ] {
            let mut patch = members;
            patch["event_id"] = json!(id);
            messages.push(admin.put("/events", &patch).await.assert_problem(413));
        }
    }
    // The family of the key is checked first.
    let other = server.key(Level::IngestOnly, "all").await;
    for id in [SESSION, &large] {
        let patch = json!({"event_id": id, "metrics": {"m": 1}});
        other.put("/events", &patch).await.assert_problem(404);
    }
    messages.dedup();
    insta::assert_snapshot!(messages.join("\n"), @"the stored event exceeds 1 MiB and cannot be changed; send less data in one event, or split it into several events");

    // The session can be read as before, even after its start is sent again.
    let started = start(&admin, &sent).await.assert_ok();
    assert!(started["inputs"] == inputs);
    assert_eq!(started["metadata"], json!({"f": 0.1}));
    let more = json!({"session_id": SESSION, "metadata": {"f": 0.2}});
    let message = start(&admin, &more).await.assert_problem(413);
    insta::assert_snapshot!(message, @"the stored event would exceed 1 MiB; send less data in one event, or split it into several events");
}

#[tokio::test]
async fn a_patch_that_would_make_an_event_larger_than_one_mebibyte_is_refused() {
    let server = TestServer::start().await;
    let admin = server.admin();
    for (stored, sent, status) in [
        (10, MIB, 413),
        (10, MIB - KIB, 200),
        (100 * KIB, 900 * KIB, 200),
        (900 * KIB, 200 * KIB, 413),
        (MIB - KIB, 10, 200),
        (MIB - KIB, 2 * KIB, 413),
    ] {
        let [session, event] = send_span(&admin, &server, "default", stored).await;
        let feedback = json!({"filler": "x".repeat(stored)});
        let patch = json!({"event_id": session, "feedback": feedback});
        admin.put("/events", &patch).await.assert_ok();
        for id in [&session, &event] {
            let before = read(&server, "default", &session).await;
            let metadata = json!({"filler": "y".repeat(sent)});
            let patch = json!({"event_id": id, "metadata": metadata, "duration": 9.0});
            let answer = admin.put("/events", &patch).await;
            assert_eq!(answer.status, status, "{stored} and {sent}");
            let mut after = read(&server, "default", &session).await;
            if status == 200 {
                let at = after.iter().position(|event| event["event_id"] == *id);
                let (patched, before) = (&mut after[at.unwrap()], &before[at.unwrap()]);
                assert!(patched["metadata"]["filler"] == metadata["filler"]);
                assert_eq!(patched["duration"], 9.0);
                for member in ["metadata", "duration", "end_time"] {
                    patched[member] = before[member].clone();
                }
            }
            assert!(after == before, "{stored} and {sent}");
        }
    }
}

#[tokio::test]
async fn a_start_with_large_inputs_fills_in_a_session_that_spans_created() {
    let server = TestServer::start().await;
    for (number, level) in [(1, Level::IngestOnly), (2, Level::ReadWrite)] {
        let client = server.key(level, "all").await;
        let id = Uuid::new_v4().to_string();
        let labels = vec![label("honeyhive.session_id", &id)];
        let spans = encode(vec![span(number, None, labels)]);
        client.export(&spans).await.assert_ok_empty();
        let patch = json!({"event_id": id, "metadata": {"early": "x".repeat(100 * KIB)}});
        client.put("/events", &patch).await.assert_ok();
        let inputs = json!({"filler": "x".repeat(3 * MIB)});
        let sent = json!({"session_id": id, "session_name": "filled", "inputs": inputs});
        for _ in 0..2 {
            start(&client, &sent).await.assert_ok();
        }
        let stored = find(&server, "default", &id).await;
        assert_eq!(stored["event_name"], "filled");
        assert!(stored["inputs"] == inputs);
        assert!(stored["metadata"] == patch["metadata"]);
    }
}

/// The patches and starts have different sizes, so that merges inside and outside the writer run concurrently.
#[tokio::test]
async fn concurrent_patches_and_starts_of_a_large_session_are_all_applied() {
    let server = TestServer::start().await;
    for stored in [10, 60 * KIB, 300 * KIB] {
        let id = Uuid::new_v4().to_string();
        let inputs = json!({"filler": "x".repeat(stored)});
        let session = json!({"session_id": id, "inputs": inputs});
        start(&server.admin(), &session).await.assert_ok();
        let mut tasks = JoinSet::new();
        for number in 0..48 {
            let (client, id) = (server.admin(), id.clone());
            tasks.spawn(async move {
                let filler = if number % 8 == 0 { 66 * KIB } else { 10 };
                let mut metadata = json!({});
                metadata[number.to_string()] = json!("y".repeat(filler));
                if number % 3 == 0 {
                    let session = json!({"session_id": id, "metadata": metadata});
                    start(&client, &session).await.assert_ok();
                } else {
                    let patch = json!({"event_id": id, "metadata": metadata});
                    client.put("/events", &patch).await.assert_ok();
                }
            });
        }
        tasks.join_all().await;
        let stored = find(&server, "default", &id).await;
        assert_eq!(stored["metadata"].as_object().unwrap().len(), 48);
        assert!(stored["inputs"] == inputs);
    }
}

#[tokio::test]
async fn patches_of_one_connection_are_applied_in_their_order() {
    let server = TestServer::start().await;
    let admin = server.admin();
    let inputs = json!({"filler": "x".repeat(200 * KIB)});
    start(&admin, &json!({"session_id": SESSION, "inputs": inputs}))
        .await
        .assert_ok();
    let mut connection = admin.connect().await;
    for number in 0..20 {
        let filler = if number % 2 == 0 { 10 } else { 70 * KIB };
        let patch = json!({
            "event_id": SESSION, "metadata": {"last": number, "filler": "x".repeat(filler)},
        });
        let body = patch.to_string();
        let answer = connection.call(&admin, "PUT", "/events", &[], body.as_bytes());
        answer.await.assert_ok();
        assert_eq!(
            find(&server, "default", SESSION).await["metadata"]["last"],
            number
        );
    }
}
