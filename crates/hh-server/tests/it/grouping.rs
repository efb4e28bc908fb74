//! Tests the sessions of traces whose spans arrive in several exports.

use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::trace::v1::Span;
use serde_json::{Value, json};

use super::spans::{SESSION, encode, label, span};
use super::support::{Client, TestServer};

/// Returns the root of a trace, which is identified by its number.
fn root(trace: u8, attributes: Vec<KeyValue>) -> Span {
    Span {
        name: format!("question {trace}"),
        ..child(trace, 1, attributes, None)
    }
}

fn child(trace: u8, number: u8, attributes: Vec<KeyValue>, parent: Option<u8>) -> Span {
    Span {
        trace_id: vec![trace; 16],
        ..span(number, parent, attributes)
    }
}

async fn export(client: &Client, spans: Vec<Span>) {
    client.export(&encode(spans)).await.assert_ok_empty();
}

/// Returns the sessions and the other events.
async fn stored(client: &Client) -> (Vec<Value>, Vec<Value>) {
    let list = client.events(&json!({})).await;
    let events = list["events"].as_array().unwrap().iter().cloned();
    events.partition(|event| event["event_type"] == "session")
}

/// Checks that there is one session with a name and a number of spans, and that spans without a parent are below it.
async fn assert_one_session(client: &Client, name: &str, spans: usize) -> Value {
    let (sessions, events) = stored(client).await;
    assert_eq!((sessions.len(), events.len()), (1, spans), "{sessions:?}");
    let session = &sessions[0];
    assert_eq!(session["event_name"], name);
    for event in &events {
        assert_eq!(event["session_id"], session["event_id"]);
        let parent = &event["parent_id"];
        let is_known = events.iter().any(|other| other["event_id"] == *parent);
        assert!(is_known || *parent == session["event_id"], "{event}");
    }
    session.clone()
}

fn conversation(id: &str) -> Vec<KeyValue> {
    vec![label("gen_ai.conversation.id", id)]
}

#[tokio::test]
async fn the_root_names_the_session_of_spans_that_arrived_before_it() {
    let server = TestServer::start().await;
    let admin = server.admin();
    export(&admin, vec![child(1, 3, Vec::new(), Some(2))]).await;
    assert_eq!(stored(&admin).await.0[0]["event_name"], "unknown");
    export(&admin, vec![child(1, 2, Vec::new(), Some(1))]).await;
    export(&admin, vec![root(1, Vec::new())]).await;
    assert_one_session(&admin, "question 1", 3).await;
    // A later root does not rename the session.
    let other = Span {
        name: "other".to_owned(),
        ..child(1, 9, Vec::new(), None)
    };
    export(&admin, vec![other]).await;
    assert_one_session(&admin, "question 1", 4).await;
}

#[tokio::test]
async fn spans_of_a_trace_join_the_conversation_that_an_earlier_export_named() {
    let server = TestServer::start().await;
    let admin = server.admin();
    export(&admin, vec![child(1, 2, conversation("chat"), Some(1))]).await;
    export(&admin, vec![root(1, Vec::new())]).await;
    let first = assert_one_session(&admin, "question 1", 2).await;
    // Another trace of the conversation, whose root arrives in an export of its own.
    export(&admin, vec![child(2, 2, conversation("chat"), Some(1))]).await;
    export(&admin, vec![root(2, Vec::new())]).await;
    let second = assert_one_session(&admin, "question 1", 4).await;
    assert_eq!(first["event_id"], second["event_id"]);
}

#[tokio::test]
async fn a_conversation_that_is_named_late_does_not_split_its_trace() {
    let server = TestServer::start().await;
    let admin = server.admin();
    export(&admin, vec![child(1, 3, Vec::new(), Some(2))]).await;
    export(&admin, vec![child(1, 2, conversation("chat"), Some(1))]).await;
    export(&admin, vec![root(1, conversation("chat"))]).await;
    assert_one_session(&admin, "question 1", 3).await;
}

#[tokio::test]
async fn spans_that_are_sent_again_in_other_exports_change_nothing() {
    let server = TestServer::start().await;
    let admin = server.admin();
    let spans = [
        child(1, 3, conversation("chat"), Some(2)),
        child(1, 2, Vec::new(), Some(1)),
        root(1, Vec::new()),
    ];
    export(&admin, spans.to_vec()).await;
    let before = stored(&admin).await;
    for span in spans.iter().rev() {
        export(&admin, vec![span.clone()]).await;
    }
    export(&admin, vec![spans[2].clone(), spans[1].clone()]).await;
    assert_eq!(stored(&admin).await, before);
}

#[tokio::test]
async fn a_session_that_a_span_names_with_an_attribute_of_honeyhive_is_always_used() {
    let server = TestServer::start().await;
    let admin = server.admin();
    export(&admin, vec![child(1, 2, Vec::new(), Some(1))]).await;
    let named = vec![label("honeyhive.session_id", SESSION)];
    export(
        &admin,
        vec![child(1, 3, named, Some(1)), root(1, Vec::new())],
    )
    .await;
    let (sessions, events) = stored(&admin).await;
    assert_eq!((sessions.len(), events.len()), (2, 3));
    let of = |name: &str| {
        let event = events.iter().find(|event| event["event_name"] == name);
        event.unwrap()["session_id"].clone()
    };
    assert_eq!(of("span 3"), SESSION);
    assert_eq!(of("question 1"), of("span 2"));
    assert_ne!(of("question 1"), SESSION);
    // A span with the same session that is stored already creates none.
    let other = vec![label("honeyhive.session_id", "another")];
    export(&admin, vec![child(1, 3, other, Some(1))]).await;
    assert_eq!(stored(&admin).await.0.len(), 2);
}
