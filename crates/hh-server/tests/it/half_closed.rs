//! Tests clients that close their sending side after a request.

use serde_json::json;

use super::spans::{SESSION, encode, in_session};
use super::support::{Client, PROTOBUF, TRACES, TestServer};

async fn send_and_end(client: &Client, bytes: &[u8], responses: usize) {
    let mut connection = client.connect().await;
    assert!(connection.write(bytes).await);
    connection.end().await;
    for _ in 0..responses {
        let answer = connection.answer().await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    // The server closes a connection from which it can no longer receive.
    connection.closed().await;
}

#[tokio::test]
async fn a_client_that_half_closes_gets_its_response() {
    for server in [
        TestServer::start().await,
        TestServer::start_on_threads().await,
    ] {
        let admin = server.admin();
        let get = admin.head("GET", "/v1/projects", &[]);
        send_and_end(&admin, &get, 1).await;
        send_and_end(&admin, &get.repeat(5), 5).await;
        let old = String::from_utf8(get).unwrap().replace("1.1", "1.0");
        send_and_end(&admin, old.as_bytes(), 1).await;

        // A write is answered after a commit, so the server receives the end long before it responds.
        let spans = encode((1..=20).map(|number| in_session(number, SESSION)).collect());
        let length = spans.len().to_string();
        let mut plain = admin.head("POST", TRACES, &[PROTOBUF, ("content-length", &length)]);
        plain.extend_from_slice(&spans);
        send_and_end(&admin, &plain, 1).await;
        let chunked = [PROTOBUF, ("transfer-encoding", "chunked")];
        let mut chunked = admin.head("POST", TRACES, &chunked);
        chunked.extend_from_slice(format!("{:x}\r\n", spans.len()).as_bytes());
        chunked.extend_from_slice(&spans);
        chunked.extend_from_slice(b"\r\n0\r\n\r\n");
        send_and_end(&admin, &chunked, 1).await;

        let wanted = json!({"filters": []}).to_string();
        let length = wanted.len().to_string();
        let mut read = admin.head("POST", "/v1/events/export", &[("content-length", &length)]);
        read.extend_from_slice(wanted.as_bytes());
        let mut status = 503;
        for _ in 0..100 {
            let mut connection = admin.connect().await;
            assert!(connection.write(&read).await);
            connection.end().await;
            status = connection.answer().await.status;
            // A query that takes longer than 40 ms is stopped.
            if status != 503 {
                break;
            }
        }
        assert_eq!(status, 200);
        assert_eq!(admin.events(&json!({})).await["count"], 21);
    }
}

#[tokio::test]
async fn a_client_that_half_closes_without_a_request_is_closed() {
    let server = TestServer::start().await;
    let admin = server.admin();
    for bytes in [&b""[..], b"GET /v1/proj", b"\r\n"] {
        let mut connection = admin.connect().await;
        connection.write(bytes).await;
        connection.end().await;
        assert!(connection.answer_if_any().await.is_none());
    }
}
