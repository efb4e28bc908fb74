//! Tests names of owners, and which keys may create keys for other owners.

use hh_auth::Level;
use hh_server::Server;
use serde_json::{Value, json};

use super::support::{Answer, Client, TestServer, data_dir, options, text};

const KEYS: &str = "/v1/api_keys";
const OWNERS: &str = "/v1/owners";

async fn create_key(client: &Client, projects: &Value, owner: &Value) -> Answer {
    let wanted = json!({"name": "n", "level": "read_only", "projects": projects, "owner": owner});
    client.post(KEYS, &wanted).await
}

async fn owners(server: &TestServer) -> Vec<String> {
    let list = server.admin().get(OWNERS).await.assert_ok();
    let owners = list["owners"].as_array().unwrap().iter();
    owners.map(|owner| text(&owner["name"])).collect()
}

#[tokio::test]
async fn two_spellings_of_an_owner_are_one_owner() {
    let server = TestServer::start().await;
    let admin = server.admin();
    let pairs = [
        ("Ada@Example.COM", "ada@example.com"),
        ("JOSE\u{301}@example.com", "jos\u{e9}@example.com"),
        ("u\u{308}bersetzer", "\u{fc}bersetzer"),
    ];
    for (one, other) in pairs {
        let made = admin.post(OWNERS, &json!({"name": one})).await.assert_ok();
        assert_eq!(made["name"], other);
        admin
            .post(OWNERS, &json!({"name": other}))
            .await
            .assert_problem(409);
        for spelling in [one, other] {
            let key = create_key(&admin, &json!("all"), &json!(spelling))
                .await
                .assert_ok();
            assert_eq!(key["owner"]["name"], other);
        }
        let path = format!("{OWNERS}/{}/disable", text(&made["id"]));
        let disabled = admin.send("POST", &path, &[], b"").await.assert_ok();
        assert_eq!(disabled["revoked_keys"], 2);
        // Another spelling of the name does not create a second owner.
        create_key(&admin, &json!("all"), &json!(one))
            .await
            .assert_problem(409);
    }
    assert_eq!(owners(&server).await.len(), 4);
}

#[tokio::test]
async fn an_enabled_owner_gets_new_keys_and_revoked_keys_stay_revoked() {
    let server = TestServer::start().await;
    let admin = server.admin();
    let owner = json!("ada@example.com");
    let old = create_key(&admin, &json!("all"), &owner).await.assert_ok();
    let list = admin.get(OWNERS).await.assert_ok();
    let mut all = list["owners"].as_array().unwrap().iter();
    let before = all.find(|found| found["name"] == owner).unwrap();
    let path = |what: &str| format!("{OWNERS}/{}/{what}", text(&before["id"]));
    let disable = admin.send("POST", &path("disable"), &[], b"").await;
    assert!(disable.assert_ok()["disabled_at"].is_string());
    for _ in 0..2 {
        let enabled = admin.send("POST", &path("enable"), &[], b"").await;
        let enabled = enabled.assert_ok();
        assert_eq!(enabled["disabled_at"], Value::Null);
        assert_eq!(
            (&enabled["id"], &enabled["active_keys"]),
            (&before["id"], &json!(0))
        );
    }
    let old = server.client(&text(&old["key"]));
    let message = old.get("/v1/auth/whoami").await.assert_problem(401);
    assert!(message.contains("was revoked"), "{message}");
    let new = create_key(&admin, &json!("all"), &owner).await.assert_ok();
    let new = server.client(&text(&new["key"]));
    new.get("/v1/auth/whoami").await.assert_ok();

    let missing = format!("{OWNERS}/nobody/enable");
    let missing = admin.send("POST", &missing, &[], b"").await;
    assert_eq!(missing.assert_problem(404), "owner not found");
    server.project("a").await;
    let local = server.key(Level::Admin, json!(["a"])).await;
    let refused = local.send("POST", &path("enable"), &[], b"").await;
    refused.assert_problem(403);
}

#[tokio::test]
async fn names_with_invisible_characters_are_refused_wherever_an_owner_is_named() {
    let server = TestServer::start().await;
    let admin = server.admin();
    for name in [
        "ada\u{200b}@example.com",
        "ada@example.com\u{202e}",
        "c\u{ad}i",
        "ci\u{e0041}",
        "ci\u{fe0f}",
        "ci\u{a0}x",
        "ci  x",
        " ci",
        "ci ",
        "\u{301}",
        "ci\u{9b}",
        "\u{3164}",
    ] {
        admin
            .post(OWNERS, &json!({"name": name}))
            .await
            .assert_problem(400);
        create_key(&admin, &json!("all"), &json!(name))
            .await
            .assert_problem(400);
    }
    assert_eq!(owners(&server).await, ["admin@localhost"]);
    let dir = tempfile::tempdir().unwrap();
    let hidden = options(&dir).with_admin("ro\u{200b}ot@example.com");
    assert!(Server::start(hidden).await.is_err());
    let mut server = Server::start(options(&dir).with_admin("Root@Example.com"))
        .await
        .unwrap();
    let shown = format!("{:?}", server.take_first_key());
    assert!(shown.contains("root@example.com"), "{shown}");
}

#[tokio::test]
async fn owners_from_before_names_were_normalized_stay_reachable() {
    let server = TestServer::start().await;
    let key = server.first_key().to_owned();
    for name in ["bob", "carol@example.com"] {
        create_key(&server.admin(), &json!("all"), &json!(name))
            .await
            .assert_ok();
    }
    let dir = server.stop().await;
    let connection = rusqlite::Connection::open(data_dir(&dir).join("honeyhive.db")).unwrap();
    for (new, old) in [
        ("Bo\u{200b}b", "bob"),
        ("Carol@Example.com", "carol@example.com"),
    ] {
        for sql in [
            "UPDATE owners SET name = ?1 WHERE name = ?2",
            "UPDATE api_keys SET owner = ?1 WHERE owner = ?2",
        ] {
            assert_eq!(connection.execute(sql, [new, old]).unwrap(), 1);
        }
    }
    drop(connection);
    let again = Server::start(options(&dir)).await.unwrap();
    let server = TestServer::run(again, dir, key);
    let admin = server.admin();
    let made = create_key(&admin, &json!("all"), &json!("CAROL@example.com"))
        .await
        .assert_ok();
    assert_eq!(made["owner"]["name"], "Carol@Example.com");
    admin
        .post(OWNERS, &json!({"name": "carol@example.com"}))
        .await
        .assert_problem(409);
    let list = admin.get(OWNERS).await.assert_ok();
    let list = list["owners"].as_array().unwrap();
    assert_eq!(list.len(), 3);
    for (name, keys) in [("Bo\u{200b}b", 1), ("Carol@Example.com", 2)] {
        let owner = list.iter().find(|owner| owner["name"] == name).unwrap();
        let path = format!("{OWNERS}/{}/disable", text(&owner["id"]));
        let disabled = admin.send("POST", &path, &[], b"").await.assert_ok();
        assert_eq!(disabled["revoked_keys"], keys);
    }
}

#[tokio::test]
async fn a_project_admin_creates_keys_for_its_own_owner_only() {
    let server = TestServer::start().await;
    server.project("a").await;
    let admin = server.admin();
    let wanted = json!({
        "name": "local", "level": "admin", "projects": ["a"], "owner": "ada@example.com",
    });
    let made = admin.post(KEYS, &wanted).await.assert_ok();
    let local = server.client(&text(&made["key"]));
    let before = owners(&server).await;
    for other in ["admin@localhost", "somebody@example.com", "ci"] {
        let message = create_key(&local, &json!(["a"]), &json!(other))
            .await
            .assert_problem(403);
        assert!(message.contains("its own owner"), "{message}");
    }
    assert_eq!(owners(&server).await, before, "an owner was created");
    for own in [
        Value::Null,
        json!("ada@example.com"),
        json!("ADA@example.com"),
    ] {
        let made = create_key(&local, &json!(["a"]), &own).await.assert_ok();
        assert_eq!(made["owner"]["name"], "ada@example.com");
    }
    // A rotation does not change the owner of the key.
    let (id, _) = server.mint(Level::ReadOnly, json!(["a"])).await;
    let path = format!("{KEYS}/{id}/rotate");
    let rotated = local.post(&path, &json!({})).await.assert_ok();
    assert_eq!(rotated["owner"]["name"], "admin@localhost");
    create_key(&admin, &json!(["a"]), &json!("ci"))
        .await
        .assert_ok();
}
