//! Tests how sessions are found by the beginning of their ids.

use hh_auth::Level;
use serde_json::{Value, json};

use super::support::{Answer, Client, TestServer, text};

async fn start(client: &Client, id: &str, project: &str) {
    let session = json!({
        "session_id": id, "session_name": format!("name of {id}"), "project": project,
        "start_time": 1_767_225_600_000_u64,
    });
    let session = json!({ "session": session });
    client.post("/session/start", &session).await.assert_ok();
}

async fn find(client: &Client, query: &str) -> Answer {
    client.get(&format!("/v1/sessions?{query}")).await
}

/// Returns the ids of the sessions in a response.
fn ids(found: &Value) -> Vec<String> {
    let sessions = found["sessions"].as_array().unwrap().iter();
    sessions
        .map(|session| text(&session["session_id"]))
        .collect()
}

const FIRST: &str = "3f2a91bc-0000-4000-8000-000000000001";
const SECOND: &str = "3f2a91bc-0d4e-4b0e-9d4e-0b6c3f0a1b2c";
const OTHER: &str = "3f2a91bd-0000-4000-8000-000000000001";

#[tokio::test]
async fn sessions_are_found_by_the_beginning_of_their_ids() {
    let server = TestServer::start().await;
    let admin = server.admin();
    for id in [SECOND, OTHER, FIRST] {
        start(&admin, id, "default").await;
    }
    let reader = server.key(Level::ReadOnly, "all").await;
    for (prefix, expected) in [
        ("3f2a91bc", &[FIRST, SECOND][..]),
        ("3F2A91BC", &[FIRST, SECOND]),
        ("3f2a91bc-0", &[FIRST, SECOND]),
        ("3f2a91bc-0d4", &[SECOND]),
        ("3f2a91bc0d4e4", &[SECOND]),
        (SECOND, &[SECOND]),
        ("3f2a91bd", &[OTHER]),
        ("3f2a91be", &[]),
        ("ffffffff", &[]),
        ("00000000", &[]),
    ] {
        let found = find(&reader, &format!("prefix={prefix}")).await.assert_ok();
        assert_eq!(ids(&found), expected, "{prefix}");
    }
    let found = find(&reader, "prefix=3f2a91bd").await.assert_ok();
    let session = json!({
        "session_id": OTHER, "session_name": format!("name of {OTHER}"), "start_time": 1_767_225_600_000.0,
    });
    assert_eq!(found, json!({ "sessions": [session] }));
}

#[tokio::test]
async fn an_unsuitable_prefix_is_rejected() {
    let server = TestServer::start().await;
    let admin = server.admin();
    for prefix in [
        "",
        "3f2a91b",
        "--------",
        "3f2a91bz",
        "3f2a91b%25",
        "%27%20OR%201=1--",
        "3f2a91bc-0d4e-4b0e-9d4e-0b6c3f0a1b2c0",
    ] {
        let message = find(&admin, &format!("prefix={prefix}"))
            .await
            .assert_problem(400);
        assert_eq!(
            message, "prefix must have 8 to 32 hexadecimal digits",
            "{prefix}"
        );
    }
    let message = find(&admin, "project=default").await.assert_problem(400);
    assert!(message.contains("prefix"), "{message}");
}

#[tokio::test]
async fn more_matches_than_ten_are_truncated() {
    let server = TestServer::start().await;
    let admin = server.admin();
    for number in 0..11 {
        let found = find(&admin, "prefix=aaaaaaaa").await.assert_ok();
        assert_eq!(ids(&found).len(), number);
        assert_eq!(found.get("truncated"), None);
        let id = format!("aaaaaaaa-0000-4000-8000-{number:012}");
        start(&admin, &id, "default").await;
    }
    let found = find(&admin, "prefix=aaaaaaaa").await.assert_ok();
    assert_eq!(ids(&found).len(), 10);
    assert_eq!(found["truncated"], true);
}

#[tokio::test]
async fn only_sessions_of_the_project_of_the_request_are_found() {
    let server = TestServer::start().await;
    let admin = server.admin();
    for name in ["ours", "theirs"] {
        server.project(name).await;
    }
    start(&admin, FIRST, "ours").await;
    start(&admin, SECOND, "theirs").await;
    let ours = server.key(Level::ReadOnly, json!(["ours"])).await;
    for query in ["prefix=3f2a91bc", "prefix=3f2a91bc&project=ours"] {
        let found = find(&ours, query).await.assert_ok();
        assert_eq!(ids(&found), [FIRST], "{query}");
    }
    let theirs = "prefix=3f2a91bc&project=theirs";
    find(&ours, theirs).await.assert_problem(404);
    assert_eq!(ids(&find(&admin, theirs).await.assert_ok()), [SECOND]);
    let found = find(&admin, "prefix=3f2a91bc").await.assert_ok();
    assert_eq!(ids(&found), [""; 0], "the project is default");
    let ingest = server.key(Level::IngestOnly, json!(["ours"])).await;
    find(&ingest, "prefix=3f2a91bc").await.assert_problem(403);
}
