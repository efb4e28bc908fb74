//! Information about a key, its age, and the effects of the age.

use jiff::{SignedDuration, Timestamp};

use super::KEY;
use crate::support::{Loopback, STORE, TestEnv, undated};

/// Saves a login whose key has this age according to `field`.
fn login_of_age(env: &TestEnv, field: &str, age: SignedDuration) {
    env.store_key("default", "https://api.honeyhive.ai", KEY);
    let made = Timestamp::now() - age;
    let text = env.read(STORE);
    let text = text.replace("api_key =", &format!("{field} = \"{made}\"\napi_key ="));
    env.write(STORE, text);
}

/// Returns this number of days less one minute, so that the age does not reach the limit while the test runs.
fn days(days: i64) -> SignedDuration {
    SignedDuration::from_hours(24 * days) - SignedDuration::from_mins(1)
}

// Features S9, S99.
#[test]
fn status_reports_what_is_known_about_the_key_and_its_source() {
    let mut env = TestEnv::with_server();
    env.be_admin();
    let create = ["auth", "keys", "create", "--name", "k", "--level"];
    let create = [
        &create[..],
        &["read_only", "--project", "default", "--expires-in", "90d"],
        &["--note", "for the dashboard"],
    ]
    .concat();
    let key = env.run(&create).stdout;
    let listed = env.items(&["auth", "keys", "list"]);
    assert_eq!(listed[0]["note"], "for the dashboard");
    env.unset("HH_API_KEY_FILE");
    // The level comes from the prefix.
    env.set("HH_API_KEY", key.trim());
    let printed = env.json(&["auth", "status"]);
    assert_eq!(printed["key"]["level"], "read_only");
    assert_eq!(printed["key"]["level_source"], "prefix");
    assert_eq!(printed["key"]["created_at"], serde_json::Value::Null);
    let shown = undated(&env.seen(&["auth", "status"])).replace(&key[..8], "[key]");
    insta::assert_snapshot!(shown, @"
    SETTING | VALUE | SOURCE | STATE
    api_key | [key]*** | HH_API_KEY (environment) | used
    Active key: [key]***, read-only project key
    Permissions: Read Only (prefix)
    Created: unknown
    Server: [server] (HH_BASE_URL (environment))
    Credential file: [home]/.config/honeyhive/credentials.toml
    exit 0
    ");
    // The server reported the details at login; they apply to the same key from another source too.
    let done = env.run_with_input(&["auth", "login", "--api-key-stdin"], &key);
    assert_eq!(done.code, 0, "{done:?}");
    let printed = env.json(&["auth", "status"]);
    assert_eq!(printed["key"]["level_source"], "server");
    assert_eq!(printed["key"]["created_at_source"], "server");
    assert_eq!(printed["key"]["age_days"], 0);
    assert_eq!(printed["key"]["owner"], "user@example.com");
    env.unset("HH_API_KEY");
    let shown = undated(&env.seen(&["auth", "status"])).replace(&key[..8], "[key]");
    insta::assert_snapshot!(shown, @r#"
    SETTING | VALUE | SOURCE | STATE
    api_key | [key]*** | profile "default" (stored) | used, stored in a plain-text file
    Active key: [key]***, read-only project key, id [key id], owner user@example.com
    Permissions: Read Only (server)
    Created: [time] (reported by the server), [age]
    Expires: [time]
    Server: [server] (HH_BASE_URL (environment))
    Credential file: [home]/.config/honeyhive/credentials.toml
    exit 0
    "#);
}

// Feature S100.
#[test]
fn the_age_comes_from_the_server_the_user_or_the_first_use() {
    let env = TestEnv::new();
    for (field, source) in [("created_at", "server"), ("created_stated", "stated")] {
        login_of_age(&env, field, days(31));
        let key = env.json(&["auth", "status"])["key"].take();
        assert_eq!(key["created_at_source"], source);
        assert_eq!(key["age_days"], 30);
    }
    env.store_key("default", "https://api.honeyhive.ai", KEY);
    let key = env.json(&["auth", "status"])["key"].take();
    assert_eq!(key["created_at_source"], "first_seen");
    // The server does not report the date, and the user sets it.
    let env = TestEnv::new();
    let server = Loopback::answering(["404 Not Found\r\nContent-Type: application/json\r\n\r\n{}"]);
    let login = [
        "auth",
        "login",
        "--api-key-stdin",
        "--created",
        "2026-01-31",
    ];
    let done = env.run_with_input(&[&login[..], &["--base-url", &server.url()]].concat(), KEY);
    assert_eq!(done.code, 0, "{done:?}");
    let key = env.json(&["auth", "status"])["key"].take();
    assert_eq!(key["created_at_source"], "stated");
    assert_eq!(key["created_at"], "2026-01-31T00:00:00Z");
}

// Feature S101.
#[test]
fn a_key_older_than_90_days_warns_and_fails_on_request() {
    let mut env = TestEnv::new();
    let fail = ["auth", "status", "--fail-if-older-than", "90d"];
    login_of_age(&env, "created_at", days(90));
    assert!(!env.run(&["auth", "status"]).stderr.contains("days old"));
    assert_eq!(env.run(&fail).code, 0);
    login_of_age(&env, "created_at", days(92));
    let done = env.run(&["auth", "status"]);
    assert_eq!(done.code, 0, "{done:?}");
    insta::assert_snapshot!(done.stderr, @"warning: API key hh_12345*** is 91 days old, more than 90 (key_max_age_days); rotate it with `honeyhive auth rotate`");
    let done = env.run(&fail);
    assert_eq!(done.code, 1, "{done:?}");
    insta::assert_snapshot!(done.stderr, @"
    warning: API key hh_12345*** is 91 days old, more than 90 (key_max_age_days); rotate it with `honeyhive auth rotate`
    error: API key hh_12345*** is 91 days old, more than 90d
      hint: rotate it with `honeyhive auth rotate`
    ");
    // The limit is a setting.
    env.set("HH_KEY_MAX_AGE_DAYS", "100");
    assert!(!env.run(&["auth", "status"]).stderr.contains("days old"));
}

// Feature S101.
#[test]
fn a_pipeline_learns_the_age_from_the_server_or_fails() {
    let mut env = TestEnv::with_server();
    env.be_admin();
    let fail = ["auth", "status", "--fail-if-older-than", "90d"];
    assert_eq!(env.run(&fail).code, 0);
    let server = Loopback::answering(["404 Not Found\r\nContent-Type: application/json\r\n\r\n{}"]);
    let mut env = TestEnv::new();
    env.set("HH_API_KEY", KEY);
    env.set("HH_BASE_URL", &server.url());
    let done = env.run(&fail);
    assert_eq!(done.code, 1, "{done:?}");
    insta::assert_snapshot!(done.stderr, @"error: the age of API key hh_12345*** is unknown");
}
