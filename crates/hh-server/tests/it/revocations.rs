//! Tests that a revocation applies to all requests, including requests in progress, even if the client that requested
//! it has disconnected.

use hh_auth::Level;
use serde_json::{Value, json};

use super::support::{Client, Connection, JSON, TestServer, text};

const KEYS: &str = "/v1/api_keys";
const WHOAMI: &str = "/v1/auth/whoami";

/// Sends a request without the last byte of its body, after the server has authorized it.
async fn begin(client: &Client, method: &str, path: &str, body: &Value) -> (Connection, Vec<u8>) {
    let mut body = body.to_string().into_bytes();
    let length = body.len().to_string();
    let headers = [
        JSON,
        ("content-length", &length),
        ("expect", "100-continue"),
    ];
    let mut connection = client.connect().await;
    connection.write(&client.head(method, path, &headers)).await;
    assert!(connection.asked_to_continue().await, "{path}");
    let rest = body.split_off(body.len() - 1);
    connection.write(&body).await;
    (connection, rest)
}

/// Begins one request of each kind that has a body.
async fn begin_all(client: &Client) -> Vec<(&'static str, Connection, Vec<u8>)> {
    let mut begun = Vec::new();
    for (method, path, body) in [
        (
            "POST",
            "/session/start",
            json!({"session": {"project": "default", "session_name": "late"}}),
        ),
        (
            "POST",
            "/v1/events/export",
            json!({"project": "default", "filters": []}),
        ),
        ("POST", "/v1/projects", json!({"name": "late"})),
        (
            "POST",
            KEYS,
            json!({"name": "late", "level": "admin", "projects": "all"}),
        ),
    ] {
        let (connection, rest) = begin(client, method, path, &body).await;
        begun.push((path, connection, rest));
    }
    begun
}

#[tokio::test]
async fn a_request_under_way_does_not_outlive_its_key() {
    let server = TestServer::start().await;
    let admin = server.admin();
    for how in ["revoked", "replaced"] {
        let (id, key) = server.mint(Level::Admin, "all").await;
        let client = server.client(&key);
        let begun = begin_all(&client).await;
        if how == "revoked" {
            admin.delete(&format!("{KEYS}/{id}")).await.assert_ok();
        } else {
            let body = json!({"grace_seconds": 0});
            let new = admin
                .post(&format!("{KEYS}/{id}/rotate"), &body)
                .await
                .assert_ok();
            server
                .client(&text(&new["key"]))
                .get(WHOAMI)
                .await
                .assert_ok();
        }
        client.get(WHOAMI).await.assert_problem(401);
        for (path, mut connection, rest) in begun {
            connection.write(&rest).await;
            let answer = connection.answer().await;
            assert_eq!(answer.status, 401, "{how}: {path}: {}", answer.text());
        }
    }
    let projects = admin.get("/v1/projects").await.text();
    assert!(!projects.contains("late"), "{projects}");
}

#[tokio::test]
async fn a_revocation_completes_after_its_client_disconnects() {
    let server = TestServer::start().await;
    let admin = server.admin();
    let mut ended = 0;
    for round in 0..60 {
        let (id, key) = server.mint(Level::ReadWrite, "all").await;
        let (client, path) = (server.client(&key), format!("{KEYS}/{id}"));
        client.get(WHOAMI).await.assert_ok();
        let mut connection = admin.connect().await;
        connection.write(&admin.head("DELETE", &path, &[])).await;
        // The client disconnects at different moments, some of them between the commit and the answer.
        for _ in 0..round % 4 {
            tokio::task::yield_now().await;
        }
        drop(connection);
        // All commands that were queued before are finished when another change is answered.
        server.mint(Level::ReadOnly, "all").await;
        if admin.get(&path).await.assert_ok()["state"] == "revoked" {
            // The state may have been read after the commit but before the revocation was complete.
            server.mint(Level::ReadOnly, "all").await;
            client.get(WHOAMI).await.assert_problem(401);
            ended += 1;
        }
    }
    assert!(ended > 0, "the server received none of the revocations");
}

#[tokio::test]
async fn a_rotation_with_a_lost_response_locks_no_client_out() {
    let server = TestServer::start().await;
    let admin = server.admin();
    let first = text(&admin.get(WHOAMI).await.assert_ok()["key"]["id"]);
    let path = format!("{KEYS}/{first}");
    let lost = admin
        .post(&format!("{path}/rotate"), &json!({}))
        .await
        .assert_ok();
    admin.delete(&path).await.assert_problem(409);
    // The key whose text was lost can be revoked.
    admin
        .delete(&format!("{KEYS}/{}", text(&lost["id"])))
        .await
        .assert_ok();
    admin.get(WHOAMI).await.assert_ok();
}

#[tokio::test]
async fn a_key_about_to_end_for_another_leaves_nothing_behind() {
    let server = TestServer::start().await;
    let admin = server.admin();
    let first = text(&admin.get(WHOAMI).await.assert_ok()["key"]["id"]);
    let wanted = json!({"name": "c", "level": "admin", "projects": "all", "owner": "bob"});
    let bob = admin.post(KEYS, &wanted).await.assert_ok();
    let new = admin
        .post(&format!("{KEYS}/{first}/rotate"), &json!({}))
        .await
        .assert_ok();
    // A request that begins before the grace period is rejected too.
    let (mut late, rest) = begin(&admin, "POST", KEYS, &wanted).await;
    server
        .client(&text(&new["key"]))
        .get(WHOAMI)
        .await
        .assert_ok();
    // The key cannot create a key that outlives it.
    let message = admin.post(KEYS, &wanted).await.assert_problem(403);
    assert!(
        message.contains("the issuing key was replaced by ")
            && message.contains(", so it cannot create a key that works longer; use "),
        "{message}"
    );
    late.write(&rest).await;
    late.answer().await.assert_problem(401);
    let bob_key = server.client(&text(&bob["key"]));
    bob_key
        .delete(&format!("{KEYS}/{}", text(&new["id"])))
        .await
        .assert_ok();
    // The key of bob is the last admin key that is not about to expire.
    let owners = admin.get("/v1/owners").await.assert_ok();
    let owner = owners["owners"].as_array().unwrap().iter();
    let owner = owner.clone().find(|owner| owner["name"] == "bob").unwrap();
    let disable = format!("/v1/owners/{}/disable", text(&owner["id"]));
    admin
        .send("POST", &disable, &[], b"")
        .await
        .assert_problem(409);
    bob_key.get(WHOAMI).await.assert_ok();
}
