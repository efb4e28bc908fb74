//! Tests rotation, owners, and the errors for keys that are no longer valid.

use std::collections::BTreeSet;

use hh_auth::Level;
use hh_server::{FirstKey, Server};
use hh_testing::write;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::support::{Answer, Client, JSON, TestServer, options, text, text_of};

const KEYS: &str = "/v1/api_keys";
const OWNERS: &str = "/v1/owners";
const WHOAMI: &str = "/v1/auth/whoami";

async fn rotate(client: &Client, id: &str, grace: i64) -> Answer {
    let body = json!({"grace_seconds": grace});
    client.post(&format!("{KEYS}/{id}/rotate"), &body).await
}

async fn create(server: &TestServer, members: &Value) -> Answer {
    let mut wanted = json!({"name": "n", "level": "read_write", "projects": "all"});
    let members = members.as_object().unwrap().clone();
    wanted.as_object_mut().unwrap().extend(members);
    server.admin().post(KEYS, &wanted).await
}

fn time(value: &Value) -> Timestamp {
    text(value).parse().unwrap()
}

#[tokio::test]
async fn a_new_key_has_the_rights_of_the_old_and_starts_its_grace_by_being_used() {
    let server = TestServer::start().await;
    server.project("docs").await;
    let end = Timestamp::now() + SignedDuration::from_hours(240);
    let members = json!({
        "name": "build", "level": "ingest_only", "projects": ["docs"], "owner": "ci",
        "expires_at": end.to_string(), "note": "of the build machines",
    });
    let old = create(&server, &members).await.assert_ok();
    let (id, admin) = (text(&old["id"]), server.admin());
    let path = format!("{KEYS}/{id}");
    let new = rotate(&admin, &id, 3600).await.assert_ok();
    for member in ["name", "level", "projects", "owner", "expires_at", "note"] {
        assert_eq!(new[member], old[member], "{member}");
    }
    assert_eq!(new["replaces"], old["id"]);
    assert_ne!(new["key"], old["key"]);

    // The new key was not used yet, so the grace period of the old key has not begun.
    let shown = admin.get(&path).await.assert_ok();
    assert_eq!(shown["replaced_by"], new["id"]);
    assert_eq!(shown["grace_seconds"], 3600);
    assert_eq!(shown["grace_ends_at"], Value::Null);
    let old_key = server.client(&text(&old["key"]));
    old_key.get(WHOAMI).await.assert_ok();

    // A rejected request does not count as a use of the key.
    let new_key = server.client(&text(&new["key"]));
    new_key.get(KEYS).await.assert_problem(403);
    assert_eq!(
        admin.get(&path).await.assert_ok()["grace_ends_at"],
        Value::Null
    );

    let before = Timestamp::now();
    let me = new_key.get(WHOAMI).await.assert_ok();
    let hour = SignedDuration::from_hours(1);
    let ends = time(&admin.get(&path).await.assert_ok()["grace_ends_at"]);
    let slack = SignedDuration::from_millis(1);
    assert!(
        before + hour - slack <= ends && ends <= Timestamp::now() + hour,
        "{ends}"
    );
    assert_eq!(me["key"]["replaces"], old["id"]);

    // The old key is still valid, and its holder can read which key replaces it and when.
    let me = old_key.get(WHOAMI).await.assert_ok();
    assert_eq!(me["key"]["replaced_by"], new["id"]);
    assert_eq!(time(&me["key"]["grace_ends_at"]), ends);
    new_key.get(WHOAMI).await.assert_ok();
    assert_eq!(
        time(&admin.get(&path).await.assert_ok()["grace_ends_at"]),
        ends,
        "the end of the grace period is set only once"
    );
}

#[tokio::test]
async fn the_grace_of_a_key_is_on_disk_when_its_successor_is_answered() {
    let server = TestServer::start().await;
    let (id, _) = server.mint(Level::ReadWrite, "all").await;
    let new = rotate(&server.admin(), &id, 600).await.assert_ok();
    server
        .client(&text(&new["key"]))
        .get(WHOAMI)
        .await
        .assert_ok();
    // Another connection reads the same state as a server after a crash.
    let connection = rusqlite::Connection::open(server.data_dir().join("honeyhive.db")).unwrap();
    let sql = "SELECT grace_ends FROM api_keys WHERE id = ?1";
    let ends: i64 = connection.query_row(sql, [&id], |row| row.get(0)).unwrap();
    let shown = server
        .admin()
        .get(&format!("{KEYS}/{id}"))
        .await
        .assert_ok();
    assert_eq!(time(&shown["grace_ends_at"]).as_millisecond(), ends);
}

#[tokio::test]
async fn without_a_grace_the_old_key_is_revoked_at_the_first_use_of_the_new_one() {
    let server = TestServer::start().await;
    let (id, key) = server.mint(Level::ReadOnly, "all").await;
    let old = server.client(&key);
    let new = rotate(&server.admin(), &id, 0).await.assert_ok();
    old.get(WHOAMI).await.assert_ok();
    server
        .client(&text(&new["key"]))
        .get(WHOAMI)
        .await
        .assert_ok();
    let answer = old.get(WHOAMI).await;
    let message = answer.assert_problem(401);
    let message = message
        .replace(&id, "OLD")
        .replace(&key[..8], "hh_FIRST")
        .replace(&text(&new["id"]), "NEW");
    insta::assert_snapshot!(message, @"the API key OLD (hh_FIRST***) was replaced by the key NEW and its grace period is over; use the new key");
    assert_eq!(answer.json()["errorCode"], "KEY_REPLACED");
    let shown = server
        .admin()
        .get(&format!("{KEYS}/{id}"))
        .await
        .assert_ok();
    assert_eq!(shown["state"], "replaced");
}

#[tokio::test]
async fn a_key_in_grace_is_revoked_at_the_end_of_the_grace() {
    let server = TestServer::start().await;
    let (id, old) = server.mint(Level::ReadOnly, "all").await;
    let old = server.client(&old);
    let new = rotate(&server.admin(), &id, 1).await.assert_ok();
    server
        .client(&text(&new["key"]))
        .get(WHOAMI)
        .await
        .assert_ok();
    let shown = server
        .admin()
        .get(&format!("{KEYS}/{id}"))
        .await
        .assert_ok();
    let end = time(&shown["grace_ends_at"]);
    let mut connection = old.connect().await;
    // Requests run until the grace period ends. Each response must match the times before and after its request.
    loop {
        let before = Timestamp::now();
        let answer = connection.call(&old, "GET", WHOAMI, &[], b"").await;
        let after = Timestamp::now();
        if answer.status == 200 {
            assert!(
                before < end,
                "a key that expired at {end} was accepted at {before}"
            );
            continue;
        }
        answer.assert_problem(401);
        assert!(
            after >= end,
            "a key that expires at {end} was rejected at {after}"
        );
        break;
    }
}

#[tokio::test]
async fn a_second_rotation_replaces_an_unused_key_and_no_other() {
    let server = TestServer::start().await;
    let admin = server.admin();
    let (id, old) = server.mint(Level::ReadWrite, "all").await;
    let unused = rotate(&admin, &id, 3600).await.assert_ok();
    let new = rotate(&admin, &id, 3600).await.assert_ok();
    let refused = server
        .client(&text(&unused["key"]))
        .get(WHOAMI)
        .await
        .assert_problem(401);
    assert!(refused.contains("was revoked"), "{refused}");
    server.client(&old).get(WHOAMI).await.assert_ok();
    // The new key was not used yet and cannot be rotated, because three keys would be valid then.
    let new_id = text(&new["id"]);
    let mut messages = vec![rotate(&admin, &new_id, 0).await.assert_problem(409)];
    server
        .client(&text(&new["key"]))
        .get(WHOAMI)
        .await
        .assert_ok();
    messages.push(rotate(&admin, &id, 0).await.assert_problem(409));
    messages.push(rotate(&admin, &new_id, 0).await.assert_problem(409));
    // After the old key was revoked, the new key can be rotated.
    admin.delete(&format!("{KEYS}/{id}")).await.assert_ok();
    messages.push(rotate(&admin, &id, 0).await.assert_problem(409));
    rotate(&admin, &new_id, 0).await.assert_ok();
    let shown = admin.get(&format!("{KEYS}/{id}")).await.assert_ok();
    let end = format!("{:.0}", time(&shown["grace_ends_at"]));
    let messages = messages
        .join("\n")
        .replace(&id, "OLD")
        .replace(&new_id, "NEW");
    insta::assert_snapshot!(messages.replace(&end, "END"), @"
    the key OLD, which this key replaces, is still active; revoke it first, or wait until its grace period ends
    the key was already replaced by NEW, and its grace period ends at END; rotate NEW instead
    the key OLD, which this key replaces, is still active; revoke it first, or wait until its grace period ends
    the key is no longer active and cannot be rotated; create a new key
    ");
}

#[tokio::test]
async fn a_key_whose_unused_successor_is_revoked_goes_on() {
    let server = TestServer::start().await;
    let admin = server.admin();
    let (id, old) = server.mint(Level::ReadWrite, "all").await;
    let unused = rotate(&admin, &id, 0).await.assert_ok();
    admin
        .delete(&format!("{KEYS}/{}", text(&unused["id"])))
        .await
        .assert_ok();
    let me = server.client(&old).get(WHOAMI).await.assert_ok();
    assert_eq!(me["key"]["replaced_by"], Value::Null);
    rotate(&admin, &id, 0).await.assert_ok();
}

// Feature S9.
#[tokio::test]
async fn every_key_may_rotate_and_revoke_itself_and_revoke_its_predecessor() {
    let server = TestServer::start().await;
    for level in Level::ALL {
        let (id, old) = server.mint(level, "all").await;
        let (other, _) = server.mint(level, "all").await;
        let old = server.client(&old);
        let new = old
            .post(&format!("{KEYS}/{id}/rotate"), &json!({}))
            .await
            .assert_ok();
        assert_eq!(new["level"], level.as_str());
        let new_key = server.client(&text(&new["key"]));
        if level != Level::Admin {
            // The old key can neither revoke nor rotate the new key, another key, or a key that does not exist.
            for target in [&text(&new["id"]), &other, &"nothing".to_owned()] {
                old.delete(&format!("{KEYS}/{target}"))
                    .await
                    .assert_problem(403);
                rotate(&old, target, 0).await.assert_problem(403);
            }
        }
        let revoked = new_key.delete(&format!("{KEYS}/{id}")).await.assert_ok();
        assert_eq!(revoked["state"], "revoked");
        assert_eq!(
            revoked["replaced_by"], new["id"],
            "the response names the key that replaces the revoked key"
        );
        old.get(WHOAMI).await.assert_problem(401);
        new_key
            .delete(&format!("{KEYS}/{}", text(&new["id"])))
            .await
            .assert_ok();
        new_key.get(WHOAMI).await.assert_problem(401);
    }
}

#[tokio::test]
async fn a_rotation_grants_no_new_permissions() {
    let server = TestServer::start().await;
    server.project("a").await;
    // A key that expires must not obtain a key that never expires.
    let soon = (Timestamp::now() + SignedDuration::from_hours(1)).to_string();
    let brief = create(&server, &json!({"level": "admin", "expires_at": soon}))
        .await
        .assert_ok();
    let brief = server.client(&text(&brief["key"]));
    let (id, _) = server.mint(Level::Admin, "all").await;
    let message = rotate(&brief, &id, 0).await.assert_problem(403);
    assert!(
        message.starts_with("the issuing key expires at ")
            && message.ends_with(", so it cannot create a key that works longer"),
        "{message}"
    );
    // An admin of one project does not see keys beyond it.
    let local = server.key(Level::Admin, json!(["a"])).await;
    rotate(&local, &id, 0).await.assert_problem(404);
    // A rotation accepts only a valid grace period.
    for body in [
        json!({"level": "admin"}),
        json!({"grace_seconds": 604_801}),
        json!({"grace_seconds": -1}),
        json!({"grace_seconds": 0.5}),
    ] {
        let path = format!("{KEYS}/{id}/rotate");
        server.admin().post(&path, &body).await.assert_problem(400);
    }
    // The default grace period is one day.
    let new = server
        .admin()
        .send("POST", &format!("{KEYS}/{id}/rotate"), &[], b"")
        .await
        .assert_ok();
    server
        .client(&text(&new["key"]))
        .get(WHOAMI)
        .await
        .assert_ok();
    let shown = server
        .admin()
        .get(&format!("{KEYS}/{id}"))
        .await
        .assert_ok();
    let grace = time(&shown["grace_ends_at"]).duration_since(Timestamp::now());
    assert!((23..=24).contains(&grace.as_hours()), "{grace}");
}

#[tokio::test]
async fn a_dead_key_cannot_be_rotated() {
    let server = TestServer::start().await;
    let (id, _) = server.mint(Level::ReadOnly, "all").await;
    server
        .admin()
        .delete(&format!("{KEYS}/{id}"))
        .await
        .assert_ok();
    rotate(&server.admin(), &id, 0).await.assert_problem(409);
    rotate(&server.admin(), "nothing", 0)
        .await
        .assert_problem(404);
}

#[tokio::test]
async fn the_response_for_a_dead_key_explains_why_it_is_dead() {
    let server = TestServer::start().await;
    let soon = Timestamp::now() + SignedDuration::from_millis(300);
    let expired = create(&server, &json!({"expires_at": soon.to_string()}))
        .await
        .assert_ok();
    let (id, revoked) = server.mint(Level::ReadWrite, "all").await;
    server
        .admin()
        .delete(&format!("{KEYS}/{id}"))
        .await
        .assert_ok();
    let answer = server.client(&revoked).get(WHOAMI).await;
    let mut messages = vec![format!(
        "{} {}",
        text(&answer.json()["errorCode"]),
        answer.assert_problem(401)
    )];
    let client = server.client(&text(&expired["key"]));
    let answer = loop {
        let answer = client.get(WHOAMI).await;
        if answer.status != 200 {
            break answer;
        }
    };
    messages.push(format!(
        "{} {}",
        text(&answer.json()["errorCode"]),
        answer.assert_problem(401)
    ));
    let end = time(&expired["expires_at"]);
    let messages = messages
        .join("\n")
        .replace(&id, "ID")
        .replace(&text(&expired["id"]), "ID")
        .replace(&revoked[..8], "hh_FIRST")
        .replace(&text(&expired["key"])[..8], "hh_FIRST")
        .replace(&format!("{end:.0}"), "END");
    insta::assert_snapshot!(messages, @"
    KEY_REVOKED the API key ID (hh_FIRST***) was revoked; use another
    KEY_EXPIRED the API key ID (hh_FIRST***) expired at END; use another
    ");
}

#[tokio::test]
async fn rotations_beyond_the_limit_are_refused_with_the_time_to_wait() {
    let dir = tempfile::tempdir().unwrap();
    let data = options(&dir);
    hh_auth::private_file::create_private_dir(&super::support::data_dir(&dir)).unwrap();
    let file = super::support::data_dir(&dir).join("server.yaml");
    for wrong in ["0", "3601", "-1", "many"] {
        write(&file, format!("max_rotations_per_hour: {wrong}\n"));
        assert!(Server::start(data.clone()).await.is_err(), "{wrong}");
    }
    write(&file, "max_rotations_per_hour: 2\n");
    let mut server = Server::start(data.clone()).await.unwrap();
    let Some(FirstKey::Show { key, .. }) = server.take_first_key() else {
        panic!("the first start returned no key");
    };
    let server = TestServer::run(server, dir, text_of(&key));
    let (id, key) = server.mint(Level::ReadOnly, "all").await;
    let own = server.client(&key);
    let mut newest = json!({"id": id, "key": key});
    for _ in 0..2 {
        let client = server.client(&text(&newest["key"]));
        newest = rotate(&client, &text(&newest["id"]), 0).await.assert_ok();
        // The limit applies to the family, so that rotations of the replacement count too.
        server
            .client(&text(&newest["key"]))
            .get(WHOAMI)
            .await
            .assert_ok();
    }
    own.get(WHOAMI).await.assert_problem(401);
    let client = server.client(&text(&newest["key"]));
    let answer = rotate(&client, &text(&newest["id"]), 0).await;
    insta::assert_snapshot!(answer.assert_problem(429), @"the limit of 2 rotations per key and hour is reached; use the newest key, or retry later");
    let wait: u32 = answer.header("retry-after").unwrap().parse().unwrap();
    assert!((3000..=3600).contains(&wait), "{wait}");
    // With this header, clients would delay all their requests.
    assert_eq!(answer.header("ratelimit"), None);
    client.get(WHOAMI).await.assert_ok();
    // A retried request does not count as a rotation.
    let path = format!(
        "{KEYS}/{}/rotate",
        server.mint(Level::ReadOnly, "all").await.0
    );
    let headers = [JSON, ("idempotency-key", "again")];
    for _ in 0..5 {
        server
            .admin()
            .send("POST", &path, &headers, b"{}")
            .await
            .assert_ok();
    }
}

#[tokio::test]
async fn the_last_key_that_can_create_keys_stays() {
    let server = TestServer::start().await;
    let admin = server.admin();
    let first = text(&admin.get(WHOAMI).await.assert_ok()["key"]["id"]);
    let path = format!("{KEYS}/{first}");
    // Keys of some projects, keys of other levels, and revoked keys do not count.
    server.mint(Level::Admin, json!(["default"])).await;
    server.mint(Level::ReadWrite, "all").await;
    let (dead, _) = server.mint(Level::Admin, "all").await;
    admin.delete(&format!("{KEYS}/{dead}")).await.assert_ok();
    let message = admin.delete(&path).await.assert_problem(409);
    insta::assert_snapshot!(message, @"revoking this key would leave no admin key that applies to all projects and is valid for at least 30 days; create such a key first, or rotate this key and use the new one");
    // A leaked key can still be revoked after a rotation.
    let new = rotate(&admin, &first, 0).await.assert_ok();
    let new_key = server.client(&text(&new["key"]));
    new_key.delete(&path).await.assert_ok();
    admin.get(WHOAMI).await.assert_problem(401);
    new_key
        .delete(&format!("{KEYS}/{}", text(&new["id"])))
        .await
        .assert_problem(409);
}

// Feature S40.
#[tokio::test]
async fn disabling_an_owner_revokes_all_their_keys_and_blocks_new_ones() {
    let server = TestServer::start().await;
    let admin = server.admin();
    let owner = json!({"name": "ada@example.com"});
    let made = admin.post(OWNERS, &owner).await.assert_ok();
    assert_eq!(
        (&made["type"], &made["active_keys"]),
        (&json!("user"), &json!(0))
    );
    let taken = admin.post(OWNERS, &owner).await.assert_problem(409);
    let mut keys = Vec::new();
    for level in Level::ALL {
        let members = json!({"level": level.as_str(), "owner": "ada@example.com"});
        keys.push(create(&server, &members).await.assert_ok());
    }
    let other = create(&server, &json!({"owner": "ci"})).await.assert_ok();
    // One of the keys was rotated, so its replacement must be revoked too.
    let id = text(&keys[2]["id"]);
    keys.push(rotate(&admin, &id, 3600).await.assert_ok());
    let clients: Vec<_> = keys
        .iter()
        .map(|key| server.client(&text(&key["key"])))
        .collect();
    for client in &clients {
        client.get(WHOAMI).await.assert_ok();
    }
    // A key cannot disable its own owner.
    let id = text(&made["id"]);
    let path = format!("{OWNERS}/{id}/disable");
    let own = clients[3]
        .send("POST", &path, &[], b"")
        .await
        .assert_problem(409);
    clients[2]
        .send("POST", &path, &[], b"")
        .await
        .assert_problem(403);

    let disabled = admin.send("POST", &path, &[], b"").await.assert_ok();
    assert_eq!(
        (&disabled["revoked_keys"], &disabled["active_keys"]),
        (&json!(5), &json!(0))
    );
    for client in &clients {
        client.get(WHOAMI).await.assert_problem(401);
    }
    server
        .client(&text(&other["key"]))
        .get(WHOAMI)
        .await
        .assert_ok();
    let members = json!({"owner": "ada@example.com"});
    let refused = create(&server, &members).await.assert_problem(409);
    let again = admin.send("POST", &path, &[], b"").await.assert_ok();
    assert_eq!(again["revoked_keys"], 0);
    assert_eq!(again["disabled_at"], disabled["disabled_at"]);
    admin
        .send("POST", "/v1/owners/nobody/disable", &[], b"")
        .await
        .assert_problem(404);
    let list = admin.get(OWNERS).await.assert_ok();
    let shown: Vec<_> = list["owners"]
        .as_array()
        .unwrap()
        .iter()
        .map(|owner| {
            format!(
                "{} {} {} {}",
                text(&owner["name"]),
                text(&owner["type"]),
                owner["active_keys"],
                owner["disabled_at"].is_string()
            )
        })
        .collect();
    insta::assert_snapshot!([taken, own, refused, shown.join("\n")].join("\n"), @"
    owner ada@example.com already exists
    cannot disable owner ada@example.com, because the API key of this request belongs to it; use an admin key of another owner
    owner ada@example.com is disabled and cannot own new keys; choose another owner
    ada@example.com user 0 true
    admin@localhost user 1 false
    ci service_account 1 false
    ");
}

#[tokio::test]
async fn owners_are_for_admins_of_all_projects() {
    let server = TestServer::start().await;
    server.project("a").await;
    let local = server.key(Level::Admin, json!(["a"])).await;
    local.get(OWNERS).await.assert_problem(403);
    local
        .post(OWNERS, &json!({"name": "x"}))
        .await
        .assert_problem(403);
    local
        .send("POST", "/v1/owners/x/disable", &[], b"")
        .await
        .assert_problem(403);
    for name in ["", "two\nlines", &"x".repeat(101)] {
        server
            .admin()
            .post(OWNERS, &json!({"name": name}))
            .await
            .assert_problem(400);
    }
}

#[tokio::test]
async fn the_last_use_of_a_key_is_shown_and_survives_a_stop() {
    let server = TestServer::start().await;
    let (id, key) = server.mint(Level::ReadOnly, "all").await;
    let path = format!("{KEYS}/{id}");
    assert_eq!(
        server.admin().get(&path).await.assert_ok()["last_used_at"],
        Value::Null
    );
    let before = Timestamp::now() - SignedDuration::from_millis(1);
    server.client(&key).get(WHOAMI).await.assert_ok();
    let used = server.admin().get(&path).await.assert_ok()["last_used_at"].clone();
    assert!(before <= time(&used) && time(&used) <= Timestamp::now());
    // A rejected request does not count as a use.
    server.client(&key).get(KEYS).await.assert_problem(403);
    let listed = server.admin().get(KEYS).await.assert_ok();
    assert_eq!(listed["keys"][0]["last_used_at"], used);

    let admin = server.first_key().to_owned();
    let dir = server.stop().await;
    let again = Server::start(options(&dir)).await.unwrap();
    let server = TestServer::run(again, dir, admin);
    assert_eq!(
        server.admin().get(&path).await.assert_ok()["last_used_at"],
        used
    );
}

#[tokio::test]
async fn requests_do_not_write_when_a_key_was_used() {
    let server = TestServer::start().await;
    let (_, key) = server.mint(Level::ReadOnly, "all").await;
    let client = server.client(&key);
    client.get(WHOAMI).await.assert_ok();
    let connection = rusqlite::Connection::open(server.data_dir().join("honeyhive.db")).unwrap();
    // The value changes with every commit of another connection.
    let commits = || -> i64 {
        let sql = "PRAGMA data_version";
        connection.query_row(sql, [], |row| row.get(0)).unwrap()
    };
    // The first use after a start is stored immediately, possibly after this point.
    let mut versions = BTreeSet::from([commits()]);
    for _ in 0..100 {
        client.get(WHOAMI).await.assert_ok();
        versions.insert(commits());
    }
    assert!(versions.len() <= 2, "{versions:?}");
}

#[tokio::test]
async fn an_answer_with_a_key_in_it_is_not_to_be_stored() {
    let server = TestServer::start().await;
    let (id, _) = server.mint(Level::ReadOnly, "all").await;
    for answer in [
        create(&server, &json!({})).await,
        rotate(&server.admin(), &id, 0).await,
    ] {
        assert!(text(&answer.assert_ok()["key"]).starts_with("hh_"));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
    }
}

/// Sends a request to create a key with an `Idempotency-Key`.
async fn create_once(client: &Client, key: &str, body: &Value) -> Answer {
    let headers = [JSON, ("idempotency-key", key)];
    client
        .send("POST", KEYS, &headers, body.to_string().as_bytes())
        .await
}

#[tokio::test]
async fn a_repeated_creation_is_answered_without_the_text() {
    let server = TestServer::start().await;
    let admin = server.admin();
    let body = json!({"name": "n", "level": "read_only", "projects": "all"});
    let made = create_once(&admin, "one", &body).await.assert_ok();
    // Different JSON with the same meaning is the same request.
    let same = json!({"projects": "all", "owner": null, "level": "read_only", "name": "n"});
    for body in [&body, &same] {
        let again = create_once(&admin, "one", body).await.assert_ok();
        assert_eq!(
            (&again["id"], &again["state"]),
            (&made["id"], &json!("active"))
        );
        assert_eq!(again.get("key"), None);
    }
    let path = format!("{KEYS}/{}", text(&made["id"]));
    admin.delete(&path).await.assert_ok();
    assert_eq!(
        create_once(&admin, "one", &body).await.assert_ok()["state"],
        "revoked"
    );

    let other = json!({"name": "other", "level": "read_only", "projects": "all"});
    let answer = create_once(&admin, "one", &other).await;
    insta::assert_snapshot!(answer.assert_problem(422), @"the Idempotency-Key was already used for a different request; use a new one for each request");
    assert_eq!(answer.json()["errorCode"], "IDEMPOTENCY_KEY_REUSED");
    // An `Idempotency-Key` applies to one issuer. Another issuer can use the same text.
    let second = server.key(Level::Admin, "all").await;
    let theirs = create_once(&second, "one", &other).await.assert_ok();
    assert!(theirs["key"].is_string());
    for bad in ["", "a b", &"k".repeat(256)] {
        create_once(&admin, bad, &body).await.assert_problem(400);
    }
}

#[tokio::test]
async fn a_repeated_rotation_creates_no_second_key() {
    let server = TestServer::start().await;
    let (id, old) = server.mint(Level::ReadWrite, "all").await;
    let old = server.client(&old);
    let path = format!("{KEYS}/{id}/rotate");
    let send = || old.send("POST", &path, &[JSON, ("idempotency-key", "r")], b"{}");
    let new = send().await.assert_ok();
    let again = send().await.assert_ok();
    assert_eq!(again["id"], new["id"]);
    assert_eq!(again.get("key"), None);
    server
        .client(&text(&new["key"]))
        .get(WHOAMI)
        .await
        .assert_ok();
    // This is a different request of the same key with the same `Idempotency-Key`.
    let body = br#"{"grace_seconds": 5}"#;
    let other = old
        .send("POST", &path, &[JSON, ("idempotency-key", "r")], body)
        .await;
    other.assert_problem(422);
}

#[tokio::test]
async fn two_hundred_concurrent_creations_with_one_idempotency_key_create_one_key() {
    let server = TestServer::start().await;
    let admin = server.admin();
    let body = json!({"name": "n", "level": "admin", "projects": "all"});
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..200 {
        let (admin, body) = (admin.clone(), body.clone());
        tasks.spawn(async move { create_once(&admin, "storm", &body).await.assert_ok() });
    }
    let answers = tasks.join_all().await;
    let ids: BTreeSet<_> = answers.iter().map(|answer| text(&answer["id"])).collect();
    assert_eq!(ids.len(), 1);
    let with_text = answers.iter().filter(|answer| answer.get("key").is_some());
    assert_eq!(
        with_text.count(),
        1,
        "exactly one response contains the text of the key"
    );
    assert_eq!(
        admin.get(KEYS).await.assert_ok()["keys"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
}
