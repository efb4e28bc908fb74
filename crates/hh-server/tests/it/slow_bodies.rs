//! Tests request bodies that arrive slowly or not at all. Each test has its own server.

use std::time::{Duration, Instant};

use hh_auth::Level;
use serde_json::json;

use super::spans::{SESSION, encode, in_session, label};
use super::support::{Client, Connection, JSON, PROTOBUF, TRACES, TestServer, text, within};

const MIB: usize = 1024 * 1024;
const CHUNKED: (&str, &str) = ("transfer-encoding", "chunked");
const GZIP: (&str, &str) = ("content-encoding", "gzip");

/// Sends a head and the first bytes of a body.
async fn begin(client: &Client, headers: &[(&str, &str)], first: &[u8]) -> Connection {
    let mut connection = client.connect().await;
    let mut bytes = client.head("POST", TRACES, headers);
    bytes.extend_from_slice(first);
    assert!(connection.write(&bytes).await);
    connection
}

/// The headers of a request, and the first bytes of its body.
type Beginning = (Vec<(&'static str, &'static str)>, &'static [u8]);

/// Returns beginnings of incomplete requests.
fn beginnings() -> Vec<Beginning> {
    const LENGTH: (&str, &str) = ("content-length", "16777216");
    vec![
        (vec![PROTOBUF, LENGTH], b""),
        (vec![PROTOBUF, LENGTH], b"\x0a"),
        (vec![JSON, LENGTH], b"{"),
        (vec![PROTOBUF, LENGTH, GZIP], b"\x1f\x8b\x08"),
        (vec![PROTOBUF, CHUNKED], b""),
        (vec![PROTOBUF, CHUNKED], b"1000000\r\n"),
        (vec![PROTOBUF, CHUNKED], b"1\r\nx\r\n"),
        (vec![JSON, CHUNKED, GZIP], b"100000\r\n\x1f\x8b"),
    ]
}

#[tokio::test]
async fn announced_bodies_that_do_not_arrive_block_no_other_request() {
    for server in [
        TestServer::start().await,
        TestServer::start_on_threads().await,
    ] {
        let client = server.key(Level::IngestOnly, "all").await;
        let other = server.key(Level::IngestOnly, "all").await;
        let mut pending = Vec::new();
        for _ in 0..10 {
            for (headers, first) in beginnings() {
                pending.push(begin(&client, &headers, first).await);
            }
        }
        assert!(pending.iter().all(Connection::is_open));
        // A body of the maximum size is still read, from the same key and from another. The response is 400, because it
        // is not JSON.
        let large = vec![b' '; 16 * MIB];
        for client in [&client, &other] {
            client
                .send("POST", TRACES, &[JSON], &large)
                .await
                .assert_problem(400);
        }
    }
}

/// Sends most of a body of 15 MiB.
async fn fill(client: &Client) -> Connection {
    fill_with(client, 15 * MIB).await
}

/// Sends most of a body.
async fn fill_with(client: &Client, bytes: usize) -> Connection {
    let length = bytes.to_string();
    let body = vec![b' '; bytes - 1];
    begin(client, &[JSON, ("content-length", &length)], &body).await
}

/// Sends bodies until a response has the status, because the server first has to read pending data of other
/// connections.
async fn send_until(client: &Client, body: &[u8], status: u16) -> Option<String> {
    let end = Instant::now() + Duration::from_secs(30);
    loop {
        let answer = client.send("POST", TRACES, &[JSON], body).await;
        if answer.status == status {
            return answer.header("retry-after").map(ToOwned::to_owned);
        }
        assert!(
            matches!(answer.status, 400 | 503),
            "{}: {}",
            answer.status,
            answer.text()
        );
        assert!(Instant::now() < end, "no response has status {status}");
    }
}

#[tokio::test]
async fn one_key_cannot_hold_the_memory_of_the_others() {
    let server = TestServer::start().await;
    let (id, key) = server.mint(Level::IngestOnly, "all").await;
    let client = server.client(&key);
    let rotated = server
        .admin()
        .post(&format!("/v1/api_keys/{id}/rotate"), &json!({}))
        .await
        .assert_ok();
    let rotated = server.client(&text(&rotated["key"]));
    let other = server.key(Level::IngestOnly, "all").await;
    let pending = [fill(&client).await, fill(&client).await];
    let body = vec![b' '; 8 * MIB];
    let retry_after = send_until(&client, &body, 503).await;
    assert_eq!(retry_after.as_deref(), Some("1"));
    // The key that replaces it uses the same share of memory.
    let answer = rotated.send("POST", TRACES, &[JSON], &body).await;
    answer.assert_problem(503);
    // Another key is served, even with a body of the maximum size.
    let large = vec![b' '; 16 * MIB];
    other
        .send("POST", TRACES, &[JSON], &large)
        .await
        .assert_problem(400);
    // A request that fits into the share is served.
    let small = encode(vec![in_session(1, SESSION)]);
    client.export(&small).await.assert_ok_empty();
    drop(pending);
    send_until(&client, &body, 400).await;
    send_until(&rotated, &body, 400).await;
}

#[tokio::test]
async fn a_revocation_releases_what_requests_hold() {
    let server = TestServer::start().await;
    let (id, key) = server.mint(Level::IngestOnly, "all").await;
    let (first, second) = (
        server.client(&key),
        server.key(Level::IngestOnly, "all").await,
    );
    let third = server.key(Level::IngestOnly, "all").await;
    let mut held = [
        fill_with(&first, 12 * MIB).await,
        fill_with(&first, 12 * MIB).await,
    ];
    let _other = fill_with(&second, 15 * MIB).await;
    let body = vec![b' '; 16 * MIB];
    send_until(&third, &body, 503).await;
    server
        .admin()
        .delete(&format!("/v1/api_keys/{id}"))
        .await
        .assert_ok();
    send_until(&third, &body, 400).await;
    for connection in &mut held {
        connection.answer().await.assert_problem(401);
    }
}

#[tokio::test]
async fn a_request_fails_when_its_key_is_revoked_while_its_body_arrives() {
    let server = TestServer::start_on_threads().await;
    let admin = server.admin();
    for rotated in [false, true] {
        for (headers, first) in beginnings() {
            let (id, key) = server.mint(Level::IngestOnly, "all").await;
            let client = server.client(&key);
            let mut headers = headers.clone();
            headers.push(("expect", "100-continue"));
            let mut connection = client.connect().await;
            connection
                .write(&client.head("POST", TRACES, &headers))
                .await;
            assert!(connection.asked_to_continue().await);
            connection.write(first).await;
            if rotated {
                // The rotation removes the key from the cache, but the request in progress still uses the cached key.
                let path = format!("/v1/api_keys/{id}/rotate");
                admin.post(&path, &json!({})).await.assert_ok();
            }
            admin
                .delete(&format!("/v1/api_keys/{id}"))
                .await
                .assert_ok();
            let answer = connection.answer().await;
            let message = answer.assert_problem(401);
            assert!(message.contains("was revoked"), "{message}");
            connection.closed().await;
        }
    }
}

/// Sends bytes of a body at a rate until the server responds, and returns the status.
async fn drip(mut connection: Connection, piece: &[u8], pause: Duration) -> u16 {
    let mut rate = tokio::time::interval(pause);
    while connection.is_open() {
        rate.tick().await;
        if !piece.is_empty() && !connection.write(piece).await {
            break;
        }
    }
    connection.answer().await.status
}

#[tokio::test]
async fn a_body_below_the_minimum_rate_is_408() {
    let server = TestServer::start_on_threads().await;
    let client = server.key(Level::IngestOnly, "all").await;
    let started = Instant::now();
    let mut dripping = Vec::new();
    for (headers, first) in beginnings() {
        let chunked = headers.contains(&CHUNKED);
        // The client sends nothing more, or a byte from time to time.
        let piece: &[u8] = match (chunked, first) {
            (true, b"" | b"1\r\nx\r\n") => b"1\r\nx\r\n",
            _ => b"x",
        };
        let silent = begin(&client, &headers, first).await;
        dripping.push(tokio::spawn(drip(silent, b"", Duration::from_millis(20))));
        let slow = begin(&client, &headers, first).await;
        let piece = piece.to_vec();
        dripping.push(tokio::spawn(async move {
            drip(slow, &piece, Duration::from_millis(20)).await
        }));
    }
    for one in dripping {
        assert_eq!(within(one).await.unwrap(), 408);
    }
    let took = started.elapsed();
    assert!(
        took < Duration::from_secs(25),
        "the requests were closed after {took:?}"
    );
}

#[tokio::test]
async fn a_body_that_stops_in_the_middle_is_408() {
    let server = TestServer::start().await;
    let client = server.key(Level::IngestOnly, "all").await;
    let mut connection = fill(&client).await;
    connection.answer().await.assert_problem(408);
    connection.closed().await;
}

#[tokio::test]
async fn a_small_body_from_a_slow_link_is_stored() {
    let server = TestServer::start().await;
    let client = server.key(Level::ReadWrite, "all").await;
    let mut span = in_session(1, SESSION);
    span.attributes
        .push(label("honeyhive_inputs.a", &"x".repeat(14 * 1024)));
    let body = encode(vec![span]);
    let length = body.len().to_string();
    let mut connection = begin(&client, &[PROTOBUF, ("content-length", &length)], b"").await;
    // At 2 KiB/s, the body needs longer than one window of the rate limit.
    let mut rate = tokio::time::interval(Duration::from_millis(100));
    for piece in body.chunks(205) {
        rate.tick().await;
        assert!(connection.write(piece).await);
    }
    connection.answer().await.assert_ok_empty();
    assert_eq!(client.events(&json!({})).await["count"], 2);
}
