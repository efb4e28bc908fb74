//! Floods that consume memory.

use std::time::Duration;

use hh_auth::Level;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::figures;
use super::load::{SOON, large_sessions, latencies};
use super::support::{JSON, TestServer};

fn used() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmHWM"))
        .unwrap();
    let kib: usize = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kib / 1024
}

/// Returns a session of 800 KB, which needs 60 MiB as parsed values.
fn small_objects(server: &TestServer) -> Value {
    let values: Vec<Value> = (0..99_000).map(|_| json!({"": 0})).collect();
    large_sessions(
        server,
        1,
        &json!({"source": "test", "inputs": {"values": values}}),
    );
    json!({"session": {"session_id": uuid::Uuid::from_bytes([1; 16]).to_string()}})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn repeated_starts_of_a_large_session_delay_no_administration() {
    let server = TestServer::start_on_threads().await;
    let writer = server.key(Level::ReadWrite, "all").await;
    let admin = server.admin();
    let values: Vec<Value> = (0..150_000).map(|number| json!([number])).collect();
    large_sessions(
        &server,
        1,
        &json!({"source": "test", "inputs": {"values": values}}),
    );
    let (idle, _) = latencies(3, &admin, "/v1/owners").await.pop().unwrap();
    let before = used();
    let session = json!({"session": {"session_id": uuid::Uuid::from_bytes([1; 16]).to_string()}});
    let mut starts = JoinSet::new();
    for _ in 0..64 {
        let (writer, session) = (writer.clone(), session.clone());
        starts.spawn(async move {
            loop {
                let _response = writer.post("/session/start", &session).await;
            }
        });
    }
    tokio::time::sleep(Duration::from_secs(3)).await;
    let (longest, status) = latencies(3, &admin, "/v1/owners").await.pop().unwrap();
    figures(format_args!(
        "64 starts of a session of 150,000 values at a time: a list of owners takes {longest:?} (limit {SOON:?}), \
         {idle:?} without them; {} MiB more",
        used() - before
    ));
    starts.shutdown().await;
    assert_eq!(status, 200);
    assert!(longest < SOON, "the list of owners took {longest:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stored_sessions_that_are_returned_count_against_the_memory_of_responses() {
    let server = TestServer::start_on_threads().await;
    let (writer, other) = (
        server.key(Level::ReadWrite, "all").await,
        server.key(Level::IngestOnly, "all").await,
    );
    let session = small_objects(&server);
    let before = used();
    writer.post("/session/start", &session).await.assert_ok();
    let one = used() - before;
    let mut starts = JoinSet::new();
    for _ in 0..64 {
        let (writer, session) = (writer.clone(), session.clone());
        starts.spawn(async move {
            loop {
                let _response = writer.post("/session/start", &session).await;
            }
        });
    }
    // These requests keep the threads that render responses busy.
    let values: Vec<Value> = (0..30_000).map(|_| json!({})).collect();
    let body = json!({"session": {"inputs": {"values": values}, "session_id": "one"}}).to_string();
    for _ in 0..200 {
        let (other, body) = (other.clone(), body.clone());
        starts.spawn(async move {
            loop {
                let _response = other
                    .send("POST", "/session/start", &[JSON], body.as_bytes())
                    .await;
            }
        });
    }
    tokio::time::sleep(Duration::from_secs(25)).await;
    let more = used() - before;
    figures(format_args!(
        "64 starts at a time return a session of 99,000 objects, with 200 starts of another key: {more} MiB more \
         (limit 300 MiB), {one} MiB for one"
    ));
    starts.shutdown().await;
    assert!(more < 300, "{more} MiB more");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sent_sessions_that_are_returned_count_until_they_are_rendered() {
    let server = TestServer::start_on_threads().await;
    let large = server.key(Level::IngestOnly, "all").await;
    let other = server.key(Level::IngestOnly, "all").await;
    let session = |body: &Value, count: usize| {
        let values = vec![body.clone(); count];
        json!({"session": {"inputs": {"values": values}}}).to_string()
    };
    // The first body is about the largest that the server accepts.
    let bodies = [
        (large, session(&json!({"": 0}), 50_000), 32),
        (other, session(&json!({}), 30_000), 200),
    ];
    let before = used();
    let mut starts = JoinSet::new();
    for (client, body, count) in bodies {
        for _ in 0..count {
            let (client, body) = (client.clone(), body.clone());
            starts.spawn(async move {
                loop {
                    let _response = client
                        .send("POST", "/session/start", &[JSON], body.as_bytes())
                        .await;
                }
            });
        }
    }
    tokio::time::sleep(Duration::from_secs(20)).await;
    let more = used() - before;
    figures(format_args!(
        "32 starts at a time of sessions of 50,000 objects, with 200 starts of another key: {more} MiB more \
         (limit 300 MiB)"
    ));
    starts.shutdown().await;
    assert!(more < 300, "{more} MiB more");
}
