use serde_json::json;

use super::spans::{SESSION, encode, in_session};
use super::support::{PROTOBUF, TRACES, TestServer, options, within};

#[tokio::test]
async fn a_request_in_progress_is_answered_before_run_returns() {
    end_in_a_request(TestServer::start().await).await;
    end_in_a_request(TestServer::start_on_threads().await).await;
}

async fn end_in_a_request(server: TestServer) {
    let admin = server.admin();
    let key = server.first_key().to_owned();
    let body = encode(vec![in_session(1, SESSION)]);
    let length = body.len().to_string();
    let mut connection = admin.connect().await;
    let headers = [
        PROTOBUF,
        ("content-length", &length),
        ("expect", "100-continue"),
    ];
    connection
        .write(&admin.head("POST", TRACES, &headers))
        .await;
    assert!(
        connection.asked_to_continue().await,
        "the request is in progress"
    );
    let (first, rest) = body.split_at(body.len() / 2);
    connection.write(first).await;
    let mut idle = admin.connect().await;
    idle.call(&admin, "GET", "/v1/projects", &[], b"")
        .await
        .assert_ok();

    let (running, dir) = server.begin_stop();
    // The idle connection is closed at once: the stop has begun, and `run` waits for the other.
    idle.closed().await;
    assert!(!running.is_finished());
    connection.write(rest).await;
    let answer = connection.answer().await;
    answer.assert_ok_empty();
    connection.closed().await;
    within(running).await.unwrap();
    assert!(
        tokio::net::TcpStream::connect(admin.address())
            .await
            .is_err()
    );

    // It was stored.
    let again = hh_server::Server::start(options(&dir)).await.unwrap();
    let server = TestServer::run(again, dir, key);
    assert_eq!(server.admin().events(&json!({})).await["count"], 2);
}

#[tokio::test]
async fn a_stop_closes_connections_that_have_sent_nothing() {
    for server in [
        TestServer::start().await,
        TestServer::start_on_threads().await,
    ] {
        let mut silent = server.admin().connect().await;
        // A request on a later connection has been answered, so the silent one was accepted.
        server.admin().get("/v1/projects").await.assert_ok();
        let (running, _dir) = server.begin_stop();
        silent.closed().await;
        within(running).await.unwrap();
    }
}

#[tokio::test]
async fn a_stop_without_any_connection_returns() {
    TestServer::start().await.stop().await;
    TestServer::start_on_threads().await.stop().await;
}
