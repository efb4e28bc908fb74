//! Tests error messages that quote values from the client or from the store.

use hh_auth::Level;
use serde_json::{Value, json};

use super::support::{Answer, Client, TestServer, text};

const KEY: &str = "hh_0123456789abcdefghijklmnopqrstuvwxyzABCD";

/// Returns names that are too long to print, contain keys, or contain control characters.
fn bad_names() -> Vec<String> {
    vec![
        "x".repeat(10_000),
        "\u{1f511}".repeat(10_000),
        KEY.to_owned(),
        format!(
            "my {KEY} and hh_ingst_{}_{}",
            "a".repeat(24),
            "b".repeat(64)
        ),
        format!("{}{KEY}", "x".repeat(90)),
        "\u{1b}[2J\u{1b}]0;title\u{7}\r\nx".to_owned(),
        "\u{9b}31m\u{7f}\u{0}".to_owned(),
        "a\u{202e}b\u{2066}c\u{2028}d\u{200b}e\u{feff}f".to_owned(),
    ]
}

/// Sends a name in every operation whose errors quote it.
async fn quote_everywhere(client: &Client, name: &str) -> Vec<(String, Answer)> {
    let key = |member: &str, value: Value| {
        let mut key = json!({"name": "n", "level": "read_only", "projects": "all"});
        key[member] = value;
        key
    };
    let mut answers = Vec::new();
    for (path, body) in [
        ("/v1/events/export", json!({"project": name})),
        ("/session/start", json!({"session": {"project": name}})),
        ("/v1/api_keys", key("projects", json!([name]))),
        ("/v1/api_keys", key("projects", json!(name))),
        ("/v1/api_keys", key("level", json!(name))),
        ("/v1/api_keys", key(name, json!(1))),
        ("/v1/api_keys", key("owner", json!(format!("{name}\n")))),
        ("/v1/owners", json!({"name": "n", name: 1})),
        ("/v1/projects", json!({"name": format!("{name}\n")})),
    ] {
        answers.push((path.to_owned(), client.post(path, &body).await));
    }
    let patch = json!({"event_id": "x", "project": name});
    answers.push(("/events".to_owned(), client.put("/events", &patch).await));
    answers
}

#[tokio::test]
async fn an_error_quotes_at_most_100_visible_characters_and_no_key() {
    let server = TestServer::start().await;
    let client = server.admin();
    for name in bad_names() {
        for (path, answer) in quote_everywhere(&client, &name).await {
            assert!(
                (400..500).contains(&answer.status),
                "{path}: {}",
                answer.text()
            );
            let message = answer.assert_problem(answer.status);
            assert!(message.chars().count() < 400, "{path}: {message}");
            let unsafe_ones: &[char] = &[
                '\u{7f}', '\u{9b}', '\u{202e}', '\u{2066}', '\u{2028}', '\u{200b}', '\u{feff}',
            ];
            let is_unsafe = |c: char| c.is_control() || unsafe_ones.contains(&c);
            assert!(!message.contains(is_unsafe), "{path}: {message:?}");
            for part in ["456789", "bbbbbbbb"] {
                assert!(!message.contains(part), "{path}: {message}");
            }
        }
    }
    let message = client
        .post("/v1/events/export", &json!({"project": "nowhere"}))
        .await;
    assert!(message.assert_problem(404).contains("\"nowhere\""));
}

#[tokio::test]
async fn a_stored_name_that_looks_like_a_key_is_redacted_in_errors() {
    let server = TestServer::start().await;
    let admin = server.admin();
    server.project(KEY).await;
    let mut messages = vec![
        admin
            .post("/v1/projects", &json!({"name": KEY}))
            .await
            .assert_problem(409),
    ];
    let local = server.key(Level::Admin, json!([KEY, "default"])).await;
    let wrong = json!({"project": "nowhere"});
    messages.push(
        local
            .post("/v1/events/export", &wrong)
            .await
            .assert_problem(404),
    );
    let owner = json!({"name": KEY});
    let made = admin.post("/v1/owners", &owner).await.assert_ok();
    messages.push(admin.post("/v1/owners", &owner).await.assert_problem(409));
    let path = format!("/v1/owners/{}/disable", text(&made["id"]));
    admin.send("POST", &path, &[], b"").await.assert_ok();
    messages.push(admin.post("/v1/owners", &owner).await.assert_problem(409));
    let wanted = json!({"name": "n", "level": "admin", "projects": "all", "owner": KEY});
    messages.push(
        admin
            .post("/v1/api_keys", &wanted)
            .await
            .assert_problem(409),
    );
    insta::assert_snapshot!(messages.join("\n"), @r#"
    project "hh_01234***" already exists
    project "nowhere" not found; this key applies to: default, hh_01234***
    owner hh_01234*** already exists
    owner hh_01234*** already exists and is disabled
    owner hh_01234*** is disabled and cannot own new keys; choose another owner
    "#);
}

#[tokio::test]
async fn an_error_names_ten_projects_of_a_key() {
    let server = TestServer::start().await;
    let names: Vec<_> = (10..25).map(|number| format!("p{number}")).collect();
    for name in &names {
        server.project(name).await;
    }
    let client = server.key(Level::ReadOnly, json!(names)).await;
    let message = client
        .post("/v1/events/export", &json!({"project": "x"}))
        .await
        .assert_problem(404);
    insta::assert_snapshot!(message, @r#"project "x" not found; this key applies to: p10, p11, p12, p13, p14, p15, p16, p17, p18, p19 and 5 more"#);
}
