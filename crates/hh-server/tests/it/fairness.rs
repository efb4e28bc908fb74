//! One key with many large requests keeps no other key waiting: shown by the order of responses and by their status,
//! without a clock. `cargo xtask soak floods` measures the same for longer.

use std::sync::Arc;

use hh_auth::Level;
use serde_json::json;
use tokio::task::JoinSet;
use uuid::Uuid;

use super::families::start;
use super::spans::{encode, in_session, label, span};
use super::support::{Client, Connection, JSON, PROTOBUF, TRACES, TestServer, within};

/// Sends the same request many times at once.
fn flood(
    client: &Client,
    count: usize,
    method: &'static str,
    path: &'static str,
    kind: (&'static str, &'static str),
    body: &Arc<[u8]>,
) -> JoinSet<u16> {
    let mut all = JoinSet::new();
    for _ in 0..count {
        let (client, body) = (client.clone(), Arc::clone(body));
        all.spawn(async move { client.send(method, path, &[kind], &body).await.status });
    }
    all
}

/// Waits for the first response, so that the server is at work.
async fn begun(flood: &mut JoinSet<u16>) {
    within(flood.join_next()).await.unwrap().unwrap();
}

fn is_over(flood: &mut JoinSet<u16>) -> bool {
    while flood.try_join_next().is_some() {}
    flood.is_empty()
}

#[tokio::test]
async fn small_requests_of_another_key_overtake_many_large_exports() {
    let server = TestServer::start_on_threads().await;
    let hostile = server.key(Level::IngestOnly, "all").await;
    let other = server.key(Level::IngestOnly, "all").await;
    let names = (0..4000).map(|at| label(&format!("honeyhive_outputs.{at}.a"), "v"));
    let body = encode(vec![span(1, None, names.collect())]).into();
    let mut exports = flood(&hostile, 40, "POST", TRACES, PROTOBUF, &body);
    begun(&mut exports).await;
    start(&other, &json!({})).await.assert_ok();
    let one = encode(vec![in_session(1, &Uuid::new_v4().to_string())]);
    other.export(&one).await.assert_ok_empty();
    assert!(!is_over(&mut exports));
    exports.shutdown().await;
}

#[tokio::test]
async fn administration_overtakes_many_changes_of_a_large_session() {
    let server = TestServer::start_on_threads().await;
    let hostile = server.key(Level::IngestOnly, "all").await;
    let id = Uuid::new_v4().to_string();
    let inputs = json!({"text": "x".repeat(900_000)});
    start(&hostile, &json!({"session_id": id, "inputs": inputs}))
        .await
        .assert_ok();
    let body = json!({"event_id": id, "metrics": {"n": 1}}).to_string();
    let body = Arc::from(body.into_bytes());
    let mut patches = flood(&hostile, 100, "PUT", "/events", JSON, &body);
    begun(&mut patches).await;
    server.admin().get("/v1/owners").await.assert_ok();
    let (key, _) = server.mint(Level::ReadOnly, "all").await;
    let path = format!("/v1/api_keys/{key}");
    server.admin().delete(&path).await.assert_ok();
    assert!(!is_over(&mut patches));
    patches.shutdown().await;
}

#[tokio::test]
async fn bodies_that_do_not_arrive_leave_memory_to_ordinary_requests_of_others() {
    let server = TestServer::start_on_threads().await;
    let length = (250 * 1024).to_string();
    let part = vec![0_u8; 200 * 1024];
    let mut open: Vec<Connection> = Vec::new();
    for _ in 0..2 {
        let hostile = server.key(Level::IngestOnly, "all").await;
        let mut bytes = hostile.head("POST", TRACES, &[PROTOBUF, ("content-length", &length)]);
        bytes.extend_from_slice(&part);
        // Until its share is used up: that rejects its own requests too.
        while hostile.export(b"\x0a\x00").await.status == 200 {
            let mut connection = hostile.connect().await;
            connection.write(&bytes).await;
            open.push(connection);
        }
    }
    let other = server.key(Level::IngestOnly, "all").await;
    let one = encode(vec![in_session(1, &Uuid::new_v4().to_string())]);
    for _ in 0..20 {
        other.export(&one).await.assert_ok_empty();
    }
    assert!(open.iter().any(Connection::is_open));
}
