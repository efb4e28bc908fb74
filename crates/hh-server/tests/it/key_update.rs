//! Tests changes of keys: names, notes and earlier expiries.

use hh_auth::Level;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::support::{Client, TestServer, text};

const KEYS: &str = "/v1/api_keys";

fn path(key: &Value) -> String {
    format!("{KEYS}/{}", text(&key["id"]))
}

/// Returns the time in a number of hours, as text.
fn in_hours(hours: i64) -> String {
    (Timestamp::now() + SignedDuration::from_hours(hours)).to_string()
}

async fn create(client: &Client, members: &Value) -> Value {
    let mut wanted = json!({"name": "old", "level": "read_only", "projects": "all"});
    let members = members.as_object().unwrap().clone();
    wanted.as_object_mut().unwrap().extend(members);
    client.post(KEYS, &wanted).await.assert_ok()
}

#[tokio::test]
async fn name_and_note_of_a_key_can_be_changed() {
    let server = TestServer::start().await;
    let admin = server.admin();
    let created = create(&admin, &json!({})).await;
    let path = path(&created);
    let mut expected = admin.get(&path).await.assert_ok();
    for (change, member, value) in [
        (json!({"name": " new "}), "name", json!("new")),
        (json!({"note": "of ci"}), "note", json!("of ci")),
        (json!({"note": "of ci"}), "note", json!("of ci")),
        (json!({}), "note", json!("of ci")),
        (json!({"note": null}), "note", Value::Null),
    ] {
        expected[member] = value;
        let changed = admin.patch(&path, &change).await.assert_ok();
        assert_eq!(changed, expected, "{change}");
        assert_eq!(admin.get(&path).await.assert_ok(), expected, "{change}");
    }
    // A key that no longer works can still get a note.
    admin.delete(&path).await.assert_ok();
    let note = json!({"note": "leaked"});
    let changed = admin.patch(&path, &note).await.assert_ok();
    assert_eq!(
        (&changed["note"], &changed["state"]),
        (&json!("leaked"), &json!("revoked"))
    );
}

#[tokio::test]
async fn impossible_changes_are_rejected_and_change_nothing() {
    let server = TestServer::start().await;
    let admin = server.admin();
    let end = in_hours(10);
    let created = create(&admin, &json!({"expires_at": end, "note": "n"})).await;
    let path = path(&created);
    let before = admin.get(&path).await.assert_ok();
    let mut messages = Vec::new();
    for change in [
        json!({"level": "admin"}),
        json!({"projects": "all"}),
        json!({"owner": "ci"}),
        json!({"id": "x"}),
        json!({"nme": "x"}),
        json!({"name": null}),
        json!({"expires_at": null}),
        json!({"name": ""}),
        json!({"name": "x".repeat(101)}),
        json!({"note": "two\nlines"}),
        json!({"note": "x".repeat(501)}),
        json!({"expires_at": "tomorrow"}),
        json!({"expires_at": in_hours(-1), "name": "other"}),
        json!({"expires_at": in_hours(11), "name": "other"}),
    ] {
        let message = admin.patch(&path, &change).await.assert_problem(400);
        messages.push(message.replace(&text(&before["expires_at"]), "[END]"));
    }
    insta::assert_snapshot!(messages.join("\n"), @r#"
    invalid body: unknown field "level", expected one of "name", "note", "expires_at" (line 1, column 8)
    invalid body: unknown field "projects", expected one of "name", "note", "expires_at" (line 1, column 11)
    invalid body: unknown field "owner", expected one of "name", "note", "expires_at" (line 1, column 8)
    invalid body: unknown field "id", expected no fields (line 1, column 5)
    invalid body: unknown field "nme", expected one of "name", "note", "expires_at" (line 1, column 6)
    invalid body: a value has the wrong type (line 1, column 12)
    invalid body: a value has the wrong type (line 1, column 18)
    name must have 1 to 100 characters on one line
    name must have 1 to 100 characters on one line
    note must have 1 to 500 characters on one line
    note must have 1 to 500 characters on one line
    invalid body: a value has the wrong type (line 1, column 24)
    expires_at is in the past
    expires_at is later than the current expiry of the key ([END]); create a new key instead
    "#);
    assert_eq!(admin.get(&path).await.assert_ok(), before);
    let missing = format!("{KEYS}/nothing");
    admin.patch(&missing, &json!({})).await.assert_problem(404);
}

#[tokio::test]
async fn a_key_can_expire_earlier_and_never_later() {
    let server = TestServer::start().await;
    let admin = server.admin();
    let created = create(&admin, &json!({})).await;
    let key = server.client(&text(&created["key"]));
    // After this request, the server has the key in memory.
    key.get("/v1/auth/whoami").await.assert_ok();
    let path = path(&created);
    let (soon, later) = (in_hours(1), in_hours(2));
    for (end, status) in [
        (&later, 200),
        (&later, 200),
        (&soon, 200),
        (&later, 400),
        (&soon, 200),
    ] {
        let change = json!({ "expires_at": end });
        assert_eq!(admin.patch(&path, &change).await.status, status, "{end}");
    }
    let shown = key.get("/v1/auth/whoami").await.assert_ok();
    let expires: Timestamp = text(&shown["key"]["expires_at"]).parse().unwrap();
    let soon: Timestamp = soon.parse().unwrap();
    assert_eq!(expires.as_millisecond(), soon.as_millisecond());
    admin.delete(&path).await.assert_ok();
    let change = json!({"expires_at": in_hours(0)});
    let message = admin.patch(&path, &change).await.assert_problem(409);
    insta::assert_snapshot!(message, @"the key is no longer active, so its expiry cannot be changed");
}

#[tokio::test]
async fn a_key_changes_only_keys_that_it_could_create() {
    let server = TestServer::start().await;
    for name in ["a", "b"] {
        server.project(name).await;
    }
    let admin = server.admin();
    let wide = create(&admin, &json!({})).await;
    let narrow = create(&admin, &json!({"projects": ["a"]})).await;
    let short = json!({"level": "admin", "expires_at": in_hours(1)});
    let short = create(&admin, &short).await;
    let change = json!({"note": "changed"});

    // A key that expires cannot change a key that never expires, but itself and keys that expire earlier.
    let issuer = server.client(&text(&short["key"]));
    let message = issuer
        .patch(&path(&wide), &change)
        .await
        .assert_problem(403);
    insta::assert_snapshot!(message, @"cannot change a key that has more permissions than the key of this request; use a key with at least the level, projects and expiry of the key to change");
    issuer.patch(&path(&short), &change).await.assert_ok();
    let shorter =
        json!({"expires_at": (Timestamp::now() + SignedDuration::from_mins(30)).to_string()});
    let shorter = create(&issuer, &shorter).await;
    issuer.patch(&path(&shorter), &change).await.assert_ok();
    let later = json!({"expires_at": in_hours(2)});
    issuer
        .patch(&path(&short), &later)
        .await
        .assert_problem(400);

    // A key of one project cannot change keys that apply to other projects.
    let issuer = server.key(Level::Admin, json!(["a"])).await;
    issuer
        .patch(&path(&wide), &change)
        .await
        .assert_problem(404);
    issuer.patch(&path(&narrow), &change).await.assert_ok();
    let issuer = server.key(Level::Admin, json!(["b"])).await;
    issuer
        .patch(&path(&narrow), &change)
        .await
        .assert_problem(404);

    // Other levels cannot change keys, not even themselves.
    for level in [Level::IngestOnly, Level::ReadOnly, Level::ReadWrite] {
        let (id, key) = server.mint(level, "all").await;
        let path = format!("{KEYS}/{id}");
        server
            .client(&key)
            .patch(&path, &change)
            .await
            .assert_problem(403);
    }
    let shown = admin.get(&path(&wide)).await.assert_ok();
    assert_eq!(shown["note"], Value::Null);
}

#[tokio::test]
async fn the_last_admin_key_stays_valid_for_thirty_days() {
    let server = TestServer::start().await;
    let admin = server.admin();
    let me = admin.get("/v1/auth/whoami").await.assert_ok();
    let first = path(&me["key"]);
    let days = |days: i64| json!({"expires_at": in_hours(24 * days)});
    let message = admin.patch(&first, &days(29)).await.assert_problem(409);
    insta::assert_snapshot!(message, @"with this expiry, no admin key would be left that applies to all projects and is valid for at least 30 days; create such a key first");
    // A replacement is protected before its first use, which begins the grace period of the first key.
    let rotated = admin
        .post(&format!("{first}/rotate"), &json!({}))
        .await
        .assert_ok();
    for key in [&first, &path(&rotated)] {
        admin.patch(key, &days(29)).await.assert_problem(409);
    }
    let second = create(&admin, &json!({"level": "admin"})).await;
    let admin = server.client(&text(&second["key"]));
    for key in [&first, &path(&rotated)] {
        admin.patch(key, &days(29)).await.assert_ok();
    }
    let last = path(&second);
    admin.patch(&last, &days(29)).await.assert_problem(409);
    admin.patch(&last, &days(31)).await.assert_ok();
}
