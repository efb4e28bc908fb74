//! Variants of item 9: what a key of another family changes of stored sessions through ids and spans.

use hh_auth::Level;
use serde_json::json;
use uuid::Uuid;

use super::families::{find, send_span, start};
use super::spans::{BASE, encode, in_session, span};
use super::support::{TestServer, text};

/// The digest of a text session id and that of a span are the same when the bytes are: "session" and 17 more.
#[tokio::test]
async fn no_span_gets_the_id_of_a_session_with_a_text_name() {
    const NAMED: &str = "chat-of-user-0042";
    let server = TestServer::start().await;
    let writer = server.key(Level::ReadWrite, "all").await;
    let session = start(&writer, &json!({"session_id": NAMED}))
        .await
        .assert_ok();
    let id = text(&session["event_id"]);

    let hostile = server.key(Level::IngestOnly, "all").await;
    let bytes = format!("session{NAMED}").into_bytes();
    let mut one = span(1, None, Vec::new());
    (one.trace_id, one.span_id) = (bytes[..16].to_vec(), bytes[16..].to_vec());
    hostile.export(&encode(vec![one])).await.assert_ok_empty();

    let patch = json!({"event_id": id, "feedback": {"rating": 5}});
    writer.put("/events", &patch).await.assert_ok();
    let stored = find(&server, "default", NAMED).await;
    assert_eq!(
        stored["feedback"],
        json!({"rating": 5}),
        "the patch of the session went elsewhere"
    );
}

#[tokio::test]
async fn a_start_of_a_session_that_spans_have_created_keeps_what_was_set() {
    let server = TestServer::start().await;
    let mine = server.key(Level::IngestOnly, "all").await;
    let [session, _] = send_span(&mine, &server, "default", 10).await;
    let members =
        json!({"event_id": session, "metadata": {"plan": "mine"}, "outputs": {"mine": 1}});
    mine.put("/events", &members).await.assert_ok();

    let other = server.key(Level::IngestOnly, "all").await;
    let sent = json!({"session_id": session, "session_name": "taken", "start_time": 1.0, "source": "taken",
        "inputs": {"taken": 1}, "metadata": {"plan": "taken"}});
    start(&other, &sent).await.assert_ok();

    let stored = find(&server, "default", &session).await;
    assert_eq!(stored["metadata"]["plan"], "mine");
}

#[tokio::test]
async fn a_span_of_another_family_changes_no_times_of_a_session_beyond_its_arrival() {
    let server = TestServer::start().await;
    let mine = server.key(Level::IngestOnly, "all").await;
    let session = Uuid::new_v4().to_string();
    start(&mine, &json!({"session_id": session}))
        .await
        .assert_ok();
    let patch = json!({"event_id": session, "duration": 5.0});
    mine.put("/events", &patch).await.assert_ok();

    let other = server.key(Level::IngestOnly, "all").await;
    let mut one = in_session(1, &session);
    (one.start_time_unix_nano, one.end_time_unix_nano) = (BASE, u64::MAX);
    other.export(&encode(vec![one])).await.assert_ok_empty();
    let stored = find(&server, "default", &session).await;
    let year = 365.0 * 24.0 * 3600.0 * 1000.0;
    assert!(stored["duration"].as_f64().unwrap() < year, "{stored}");
}
