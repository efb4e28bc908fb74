use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use hh_auth::Level;
use hh_testing::rounds;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::support::{TestServer, text};

const KEYS: &str = "/v1/api_keys";
const WHOAMI: &str = "/v1/auth/whoami";

fn wanted(members: &Value) -> Value {
    let mut wanted = json!({"name": "n", "level": "read_only", "projects": "all"});
    let members = members.as_object().unwrap().clone();
    wanted.as_object_mut().unwrap().extend(members);
    wanted
}

fn in_seconds(seconds: i64) -> String {
    (Timestamp::now() + SignedDuration::from_secs(seconds)).to_string()
}

#[tokio::test]
async fn a_new_key_is_described_alike_everywhere() {
    let server = TestServer::start().await;
    let admin = server.admin();
    let end = in_seconds(3600);
    let asked = wanted(&json!({"name": " build ", "owner": "ci", "expires_at": end}));
    let mut made = admin.post(KEYS, &asked).await.assert_ok();
    let key = text(&made["key"]);
    made.as_object_mut().unwrap().remove("key");
    assert_eq!(made["name"], "build");
    assert_eq!(
        made["owner"],
        json!({"type": "service_account", "name": "ci"})
    );
    assert_eq!(made["shown"], format!("{}***", &key[..8]));
    let path = format!("{KEYS}/{}", text(&made["id"]));
    assert_eq!(admin.get(&path).await.assert_ok(), made);
    assert_eq!(
        admin.get(KEYS).await.assert_ok()["keys"][0],
        made,
        "newest first"
    );
    let mut whoami = server.client(&key).get(WHOAMI).await.assert_ok();
    assert!(whoami["key"]["last_used_at"].is_string());
    whoami["key"]["last_used_at"] = Value::Null;
    assert_eq!(whoami["key"], made);
    assert_eq!(whoami["permissions"], "Read Only");
    assert_eq!(whoami["organization"], "My Organization");
    assert!(!whoami.to_string().contains(&key));
}

#[tokio::test]
async fn a_key_belongs_to_its_issuer_unless_it_names_an_owner() {
    let server = TestServer::start().await;
    let made = server
        .admin()
        .post(KEYS, &wanted(&json!({})))
        .await
        .assert_ok();
    assert_eq!(
        made["owner"],
        json!({"type": "user", "name": "admin@localhost"})
    );
}

#[tokio::test]
async fn a_child_key_is_within_its_issuer() {
    let server = TestServer::start().await;
    for name in ["a", "b", "c"] {
        server.project(name).await;
    }
    // Levels: only admins can create keys, so that no key has a higher level than its issuer.
    for level in [Level::IngestOnly, Level::ReadOnly, Level::ReadWrite] {
        let client = server.key(level, "all").await;
        for child in Level::ALL {
            let asked = wanted(&json!({"level": child.as_str()}));
            client.post(KEYS, &asked).await.assert_problem(403);
        }
    }
    // Projects: all or some projects of the issuer. Other projects do not exist for the issuer.
    let issuer = server.key(Level::Admin, json!(["a", "b"])).await;
    for (projects, status) in [
        (json!("all"), 403),
        (json!(["a", "b", "c"]), 404),
        (json!(["c"]), 404),
        (json!(["nowhere"]), 404),
        (json!(["a"]), 200),
        (json!(["b", "a"]), 200),
    ] {
        let asked = wanted(&json!({"projects": projects}));
        assert_eq!(issuer.post(KEYS, &asked).await.status, status, "{projects}");
    }
    let asked = wanted(&json!({"projects": "all"}));
    let message = issuer.post(KEYS, &asked).await.assert_problem(403);
    insta::assert_snapshot!(message, @"cannot grant more than the issuing key has; reduce the level, projects or expiry");
    // Expiry: not later than the expiry of the issuer.
    let end = Timestamp::now() + SignedDuration::from_hours(1);
    let later = end + SignedDuration::from_millis(1);
    let asked = wanted(&json!({"level": "admin", "expires_at": end.to_string()}));
    let issuer = server.admin().post(KEYS, &asked).await.assert_ok();
    let issuer = server.client(&text(&issuer["key"]));
    issuer
        .post(KEYS, &wanted(&json!({})))
        .await
        .assert_problem(403);
    for (end, status) in [(end, 200), (later, 403)] {
        let asked = wanted(&json!({"expires_at": end.to_string()}));
        assert_eq!(issuer.post(KEYS, &asked).await.status, status, "{end}");
    }
    let message = issuer
        .post(KEYS, &wanted(&json!({})))
        .await
        .assert_problem(403);
    assert!(
        message.starts_with("the issuing key expires at ")
            && message.ends_with(", so it cannot create a key that works longer"),
        "{message}"
    );
}

#[tokio::test]
async fn an_impossible_key_is_refused() {
    let server = TestServer::start().await;
    let admin = server.admin();
    let mut messages = Vec::new();
    for members in [
        json!({"permissions": []}),
        json!({"projects": []}),
        json!({"projects": "some"}),
        json!({"projects": null}),
        json!({"level": "owner"}),
        json!({"level": "Admin"}),
        json!({"expires_at": in_seconds(-1)}),
        json!({"expires_at": "tomorrow"}),
        json!({"name": ""}),
        json!({"name": "x".repeat(101)}),
        json!({"name": "two\nlines"}),
        json!({"owner": " "}),
    ] {
        messages.push(
            admin
                .post(KEYS, &wanted(&members))
                .await
                .assert_problem(400),
        );
    }
    messages.push(
        admin
            .post(KEYS, &json!({"name": "n"}))
            .await
            .assert_problem(400),
    );
    messages.push(
        admin
            .send("POST", KEYS, &[], b"not json")
            .await
            .assert_problem(400),
    );
    insta::assert_snapshot!(messages.join("\n"), @r#"
    invalid body: unknown field "permissions", expected one of "name", "level", "projects", "expires_at", "owner", "note" (line 1, column 45)
    projects is empty; specify at least one project or use "all"
    invalid body: projects must be "all" or a list of names (line 1, column 50)
    invalid body: projects must be "all" or a list of names (line 1, column 48)
    invalid body: level must be one of ingest_only, read_only, read_write, admin (line 1, column 16)
    invalid body: level must be one of ingest_only, read_only, read_write, admin (line 1, column 16)
    expires_at is in the past
    invalid body: a value has the wrong type (line 1, column 24)
    name must have 1 to 100 characters on one line
    name must have 1 to 100 characters on one line
    name must have 1 to 100 characters on one line
    owner must have 1 to 100 visible characters, single spaces between words and no space at either end
    invalid body: missing field "level" (line 1, column 12)
    the body is not valid JSON (line 1, column 2)
    "#);
    assert_eq!(
        admin.get(KEYS).await.assert_ok()["keys"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[tokio::test]
async fn a_key_expires_at_its_expiry() {
    let server = TestServer::start().await;
    let end = Timestamp::now() + SignedDuration::from_millis(500);
    let asked = wanted(&json!({"expires_at": end.to_string()}));
    let made = server.admin().post(KEYS, &asked).await.assert_ok();
    let client = server.client(&text(&made["key"]));
    let mut connection = client.connect().await;
    // Requests run until the key expires. Each response must match the times before and after its request.
    loop {
        let before = Timestamp::now();
        let answer = connection.call(&client, "GET", WHOAMI, &[], b"").await;
        let after = Timestamp::now();
        if answer.status == 200 {
            assert!(
                before < end,
                "a key that expired at {end} was accepted at {before}"
            );
            continue;
        }
        answer.assert_problem(401);
        let stored = end - SignedDuration::from_millis(1);
        assert!(
            after > stored,
            "a key that expires at {end} was rejected at {after}"
        );
        break;
    }
    let path = format!("{KEYS}/{}", text(&made["id"]));
    assert_eq!(
        server.admin().get(&path).await.assert_ok()["state"],
        "expired"
    );
}

#[tokio::test]
async fn a_revoked_key_is_dead_and_revoking_it_again_is_fine() {
    let server = TestServer::start().await;
    let admin = server.admin();
    for used in [true, false] {
        let (id, key) = server.mint(Level::IngestOnly, "all").await;
        if used {
            server.client(&key).get(WHOAMI).await.assert_ok();
        }
        let path = format!("{KEYS}/{id}");
        for _ in 0..2 {
            let revoked = admin.delete(&path).await.assert_ok();
            assert_eq!(revoked["state"], "revoked");
            assert_eq!(admin.get(&path).await.assert_ok(), revoked);
            server.client(&key).get(WHOAMI).await.assert_problem(401);
        }
    }
    admin
        .delete("/v1/api_keys/nothing")
        .await
        .assert_problem(404);
}

#[tokio::test]
async fn a_key_can_revoke_itself() {
    let server = TestServer::start().await;
    let (id, key) = server.mint(Level::Admin, "all").await;
    let client = server.client(&key);
    client.delete(&format!("{KEYS}/{id}")).await.assert_ok();
    client.get(WHOAMI).await.assert_problem(401);
}

/// Uses a key on 8 connections while it is revoked: a request that starts after the answer never succeeds.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_that_starts_after_a_revocation_succeeds() {
    let server = TestServer::start().await;
    for _ in 0..rounds(20) {
        let (id, key) = server.mint(Level::Admin, "all").await;
        let revoked = Arc::new(AtomicBool::new(false));
        let (answered, mut answers) = mpsc::unbounded_channel();
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..8 {
            let client = server.client(&key);
            let (revoked, answered) = (Arc::clone(&revoked), answered.clone());
            tasks.spawn(async move {
                let mut connection = client.connect().await;
                let mut late = 0;
                while late < 15 {
                    let after = revoked.load(Ordering::SeqCst);
                    let answer = connection.call(&client, "GET", WHOAMI, &[], b"").await;
                    assert!(matches!(answer.status, 200 | 401));
                    if after {
                        late += 1;
                        answer.assert_problem(401);
                    }
                    answered.send(answer.status).unwrap();
                }
            });
        }
        for _ in 0..80 {
            assert_eq!(answers.recv().await, Some(200));
        }
        server
            .admin()
            .delete(&format!("{KEYS}/{id}"))
            .await
            .assert_ok();
        revoked.store(true, Ordering::SeqCst);
        tasks.join_all().await;
    }
}

/// The first uses of a key race with its revocation, so that the server may read the key while it is revoked.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_is_first_used_while_it_is_revoked_does_not_stay_in_memory() {
    let server = TestServer::start().await;
    for _ in 0..20 {
        let (id, key) = server.mint(Level::Admin, "all").await;
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..4 {
            let client = server.client(&key);
            tasks.spawn(async move { client.get(WHOAMI).await.status });
        }
        server
            .admin()
            .delete(&format!("{KEYS}/{id}"))
            .await
            .assert_ok();
        server.client(&key).get(WHOAMI).await.assert_problem(401);
        let statuses = tasks.join_all().await;
        assert!(statuses.iter().all(|status| matches!(status, 200 | 401)));
        server.client(&key).get(WHOAMI).await.assert_problem(401);
    }
}

#[tokio::test]
async fn a_key_with_a_wrong_checksum_is_refused() {
    let server = TestServer::start().await;
    for level in Level::ALL {
        let (_, key) = server.mint(level, "all").await;
        server.client(&key).get(WHOAMI).await.assert_ok();
        let (front, last) = key.split_at(key.len() - 1);
        let other = if last == "a" { "b" } else { "a" };
        for wrong in [
            format!("{front}{other}"),
            format!("{key}0"),
            front.to_owned(),
        ] {
            server.client(&wrong).get(WHOAMI).await.assert_problem(401);
        }
    }
}

#[tokio::test]
async fn only_a_bearer_key_in_the_one_header_counts() {
    let server = TestServer::start().await;
    let key = server.first_key();
    let anonymous = server.anonymous();
    for (value, status) in [
        (format!("Bearer {key}"), 200),
        (format!("bearer {key}"), 200),
        (format!("BEARER   {key}  "), 200),
        (format!("Basic {key}"), 401),
        (key.to_owned(), 401),
        (format!("Bearer{key}"), 401),
        (format!("Bearer {key} {key}"), 401),
        ("Bearer".to_owned(), 401),
        (String::new(), 401),
    ] {
        let answer = anonymous
            .send("GET", WHOAMI, &[("authorization", &value)], b"")
            .await;
        assert_eq!(answer.status, status, "{}", value.replace(key, "KEY"));
    }
    anonymous
        .send("GET", WHOAMI, &[("x-api-key", key)], b"")
        .await
        .assert_problem(401);
    anonymous
        .get(&format!("{WHOAMI}?api_key={key}"))
        .await
        .assert_problem(401);
}
