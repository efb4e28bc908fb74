//! Tests hostile requests. Each test has its own server, so that no test waits for another.

use hh_auth::Level;
use serde_json::json;

use super::spans::{SESSION, encode, in_session};
use super::support::{Client, JSON, PROTOBUF, TRACES, TestServer};

const MIB: usize = 1024 * 1024;

#[tokio::test]
async fn a_body_that_is_announced_too_large_is_413_before_it_is_sent() {
    let server = TestServer::start().await;
    let client = server.key(Level::IngestOnly, "all").await;
    for (method, path) in [
        ("POST", TRACES),
        ("POST", "/session/start"),
        ("PUT", "/events"),
    ] {
        for length in [16 * MIB + 1, 100 * MIB, 1 << 60] {
            let length = length.to_string();
            let mut connection = client.connect().await;
            let head = client.head(method, path, &[PROTOBUF, ("content-length", &length)]);
            connection.write(&head).await;
            connection.answer().await.assert_problem(413);
        }
    }
    // A body of the maximum size is read completely.
    let spaces = vec![b' '; 16 * MIB];
    client
        .send("POST", TRACES, &[JSON], &spaces)
        .await
        .assert_problem(400);
}

#[tokio::test]
async fn a_body_without_a_key_is_refused_before_it_is_sent() {
    let server = TestServer::start().await;
    let anonymous = server.anonymous();
    let mut connection = anonymous.connect().await;
    let head = anonymous.head("POST", TRACES, &[PROTOBUF, ("content-length", "1000000")]);
    connection.write(&head).await;
    connection.answer().await.assert_problem(401);
}

#[tokio::test]
async fn a_chunked_body_that_goes_on_is_413() {
    let server = TestServer::start().await;
    let client = server.key(Level::IngestOnly, "all").await;
    let mut connection = client.connect().await;
    let head = client.head(
        "POST",
        TRACES,
        &[PROTOBUF, ("transfer-encoding", "chunked")],
    );
    connection.write(&head).await;
    let mut chunk = b"10000\r\n".to_vec();
    chunk.resize(chunk.len() + 0x10000, b' ');
    chunk.extend_from_slice(b"\r\n");
    // The body never ends, so the server must reject it.
    let mut sent = 0;
    while sent < 64 * MIB && connection.write(&chunk).await {
        sent += 0x10000;
    }
    assert!(sent < 64 * MIB, "the server did not stop reading");
    connection.answer().await.assert_problem(413);
}

#[tokio::test]
async fn silent_connections_do_not_keep_others_out_and_are_closed() {
    let server = TestServer::start().await;
    let admin = server.admin();
    let mut silent = Vec::new();
    for number in 0..100 {
        let mut connection = admin.connect().await;
        match number % 3 {
            0 => {}
            1 => drop(connection.write(b"GET / HT").await),
            // The client sends one complete request and then nothing.
            _ => drop(
                connection
                    .call(&admin, "GET", "/v1/projects", &[], b"")
                    .await
                    .assert_ok(),
            ),
        }
        silent.push(connection);
    }
    for _ in 0..20 {
        admin.get("/v1/projects").await.assert_ok();
    }
    for connection in &mut silent {
        assert!(
            connection.is_open(),
            "a silent connection was closed before another client was served"
        );
    }
    for mut connection in silent {
        connection.closed().await;
    }
    admin.get("/v1/projects").await.assert_ok();
}

/// Sends bytes unchanged and returns the status of the response, or `None` if the server closes without one.
async fn raw(client: &Client, bytes: &[u8]) -> Option<u16> {
    let mut connection = client.connect().await;
    connection.write(bytes).await;
    connection.answer_if_any().await.map(|answer| answer.status)
}

#[tokio::test]
async fn invalid_http_and_duplicate_lengths_are_never_served() {
    let server = TestServer::start().await;
    let admin = server.admin();
    let key = server.first_key();
    let with = |lines: &str| {
        format!(
            "POST /session/start HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\n{lines}\r\n\r\n"
        )
    };
    for bytes in [
        "\r\n\r\nnonsense\r\n\r\n".to_owned(),
        "GET /v1/projects\r\n\r\n".to_owned(),
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(),
        "\u{16}\u{3}\u{1} a TLS hello\r\n\r\n".to_owned(),
        with("content-length: 15\r\ncontent-length: 16") + "{\"session\": {}} ",
        with("content-length: -1"),
        with("content-length: +2") + "{}",
        with("transfer-encoding: chunked, identity") + "2\r\n{}\r\n0\r\n\r\n",
        with("transfer-encoding: chunked") + "zz\r\n",
        with("content-length: 2\r\nbad name: x") + "{}",
    ] {
        let status = raw(&admin, bytes.as_bytes()).await;
        assert!(
            status.is_none_or(|status| status == 400),
            "{status:?}: {}",
            bytes.replace(key, "KEY")
        );
    }
    assert_eq!(admin.events(&json!({})).await["count"], 0);
}

#[tokio::test]
async fn a_body_that_breaks_off_stores_nothing() {
    let server = TestServer::start().await;
    let admin = server.admin();
    let body = encode((1..=20).map(|number| in_session(number, SESSION)).collect());
    for end in [0, 1, body.len() / 2, body.len() - 1] {
        let length = body.len().to_string();
        let mut bytes = admin.head("POST", TRACES, &[PROTOBUF, ("content-length", &length)]);
        bytes.extend_from_slice(&body[..end]);
        let mut connection = admin.connect().await;
        connection.write(&bytes).await;
        connection.end().await;
        connection.closed().await;
    }
    assert_eq!(admin.events(&json!({})).await["count"], 0);
}

#[tokio::test]
async fn a_peer_that_reads_no_response_is_closed() {
    let server = TestServer::start().await;
    let anonymous = server.anonymous();
    let health = anonymous.head("GET", "/api/v1/health", &[]);
    // A client that reads its responses receives one for each request, even if all requests were sent together.
    let mut reader = anonymous.connect().await;
    reader.write(&health.repeat(100)).await;
    for _ in 0..100 {
        reader.answer().await.assert_ok();
    }
    // When the buffers of both sides are full, neither side can send, and the server closes after its timeout.
    let mut connection = anonymous.connect().await;
    let many = health.repeat(1000);
    let mut sent = 0;
    while connection.write(&many).await {
        sent += many.len();
        assert!(
            sent < 64 * MIB,
            "the server did not stop sending responses that no client reads"
        );
    }
    assert!(sent > 0);
    anonymous.get("/api/v1/health").await.assert_ok();
}
