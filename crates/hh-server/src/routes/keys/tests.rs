//! Tests keys over time: limits per hour, the remaining days of admin keys, and clocks that are set.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::testing::InProcess;

const KEYS: &str = "/v1/api_keys";
const WHOAMI: &str = "/v1/auth/whoami";
/// A time after the creation of every key of a first start, in milliseconds since 1970.
const START: i64 = 4_000_000_000_000;
const SECOND: i64 = 1000;
const HOUR: i64 = 3600 * SECOND;
const DAY: i64 = 24 * HOUR;

/// A key as its creation or rotation returned it.
struct Created {
    id: String,
    key: String,
}

impl Created {
    fn of(answer: &Value) -> Self {
        let part = |name: &str| answer[name].as_str().unwrap().to_owned();
        Self {
            id: part("id"),
            key: part("key"),
        }
    }
}

impl InProcess {
    fn at(millis: i64) -> Self {
        let server = Self::start();
        server.app.clock.set(millis);
        server
    }

    fn create(&self, level: &str, owner: &str, end: Option<i64>) -> Created {
        let end = end.map(|end| Timestamp::from_millisecond(end).unwrap());
        let wanted = json!({
            "name": "n", "level": level, "projects": "all", "owner": owner, "expires_at": end,
        });
        let (status, made) = self.call(&self.admin, "POST", KEYS, &wanted);
        assert_eq!(status, 200, "{made}");
        Created::of(&made)
    }

    fn whoami(&self, key: &str) -> (u16, Value) {
        self.call(key, "GET", WHOAMI, &Value::Null)
    }

    fn rotate(&self, by: &str, id: &str) -> (u16, Value) {
        let path = format!("{KEYS}/{id}/rotate");
        self.call(by, "POST", &path, &json!({"grace_seconds": 0}))
    }

    fn revoke(&self, by: &str, id: &str) -> u16 {
        self.call(by, "DELETE", &format!("{KEYS}/{id}"), &Value::Null)
            .0
    }

    /// Returns the number of rows and the number of the last key.
    fn rows(&self) -> (i64, i64) {
        let path = self.data_dir().join("honeyhive.db");
        let connection = rusqlite::Connection::open(path).unwrap();
        let sql = "SELECT count(*), max(key_id) FROM api_keys";
        connection
            .query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?)))
            .unwrap()
    }
}

#[test]
fn sixty_rotations_an_hour_are_allowed_and_no_restart_or_deletion_resets_them() {
    let server = InProcess::at(START);
    let root = server.create("read_only", "ci", None);
    let other = server.create("read_only", "ci", None);
    for number in 0..60 {
        server.app.clock.set(START + number * SECOND);
        // The admin key sends half of them, which count for the family too.
        let by = if number % 2 == 0 {
            &root.key
        } else {
            &server.admin
        };
        assert_eq!(server.rotate(by, &root.id).0, 200, "{number}");
    }
    let refused = |server: &InProcess, at: i64| {
        server.app.clock.set(at);
        let (status, answer) = server.rotate(&root.key, &root.id);
        assert_eq!(
            (status, &answer["errorCode"]),
            (429, &json!("RATE_LIMITED")),
            "{answer}"
        );
    };
    refused(&server, START + 60 * SECOND);
    // Each rotation counts for one hour, and other keys have their own limit.
    refused(&server, START + HOUR - 1);
    assert_eq!(server.rotate(&other.key, &other.id).0, 200);
    let server = server.restart();
    refused(&server, START + HOUR - 1);
    server.app.clock.set(START + HOUR);
    assert_eq!(server.rotate(&root.key, &root.id).0, 200);
    refused(&server, START + HOUR);
    refused(&server, START + HOUR + SECOND - 1);
    server.app.clock.set(START + 2 * HOUR);
    for number in 0..60 {
        assert_eq!(server.rotate(&root.key, &root.id).0, 200, "{number}");
        assert_eq!(server.whoami(&root.key).0, 200);
    }
    refused(&server, START + 2 * HOUR);
    assert_eq!(server.whoami(&root.key).0, 200);
}

#[test]
fn replaced_keys_that_were_never_used_are_deleted_and_no_key_gets_the_number_of_another() {
    let server = InProcess::at(START);
    let root = server.create("read_only", "ci", None);
    let used = server.create("read_only", "ci", None);
    assert_eq!(server.whoami(&used.key).0, 200);
    let mut texts = Vec::new();
    let mut last = server.rows().1;
    for number in 0..2000 {
        server.app.clock.set(START + number * 61 * SECOND);
        let (status, new) = server.rotate(&root.key, &root.id);
        assert_eq!(status, 200, "{number}: {new}");
        let (rows, newest) = server.rows();
        assert!(newest > last, "the number {newest} was used before");
        // Three keys that were not created by rotation, those of the last hour, and the newest.
        assert!(rows <= 3 + 60 + 1, "{rows} rows after {number} rotations");
        last = newest;
        texts.push(Created::of(&new));
    }
    // A deleted key is unknown to the server.
    let newest = texts.pop().unwrap();
    for (number, text) in texts.iter().enumerate() {
        let (status, answer) = server.whoami(&text.key);
        assert!(matches!(status, 401 | 429), "{number}: {answer}");
    }
    let (status, me) = server.whoami(&newest.key);
    assert_eq!((status, &me["key"]["replaces"]), (200, &json!(root.id)));
    assert_eq!(server.whoami(&root.key).0, 401);
    // A key that was used is not deleted, even after it was replaced.
    server.app.clock.set(START + 1000 * DAY);
    let (_, new) = server.rotate(&newest.key, &newest.id);
    assert_eq!(server.whoami(&Created::of(&new).key).0, 200);
    let path = format!("{KEYS}/{}", newest.id);
    let (status, shown) = server.call(&server.admin, "GET", &path, &Value::Null);
    assert_eq!((status, &shown["state"]), (200, &json!("replaced")));
    assert_eq!(server.whoami(&used.key).0, 200);
}

#[test]
fn a_key_in_the_middle_of_a_chain_is_kept_while_it_names_a_replacement() {
    let server = InProcess::at(START);
    let mut key = server.create("read_only", "ci", None);
    let mut all = vec![key.id.clone()];
    for number in 1..5 {
        server.app.clock.set(START + number * 2 * HOUR);
        key = Created::of(&server.rotate(&key.key, &key.id).1);
        assert_eq!(server.whoami(&key.key).0, 200);
        all.push(key.id.clone());
    }
    for (number, id) in all.iter().enumerate() {
        let path = format!("{KEYS}/{id}");
        let (status, shown) = server.call(&server.admin, "GET", &path, &Value::Null);
        assert_eq!(status, 200);
        assert_eq!(
            shown["replaced_by"].as_str(),
            all.get(number + 1).map(String::as_str)
        );
    }
}

#[test]
fn an_admin_key_counts_while_it_has_thirty_days_left() {
    for (left, status) in [
        (4 * SECOND, 409),
        (30 * DAY - 1, 409),
        (30 * DAY, 200),
        (400 * DAY, 200),
    ] {
        let server = InProcess::at(START);
        let (_, me) = server.whoami(&server.admin);
        let first = me["key"]["id"].as_str().unwrap().to_owned();
        server.create("admin", "bob", Some(START + left));
        assert_eq!(
            server.revoke(&server.admin, &first),
            status,
            "revoking with {left} ms left"
        );

        let server = InProcess::at(START);
        let bob = server.create("admin", "bob", Some(START + left));
        let (_, list) = server.call(&server.admin, "GET", "/v1/owners", &Value::Null);
        let owners = list["owners"].as_array().unwrap();
        let owner = owners
            .iter()
            .find(|owner| owner["name"] == "admin@localhost")
            .unwrap();
        let path = format!("/v1/owners/{}/disable", owner["id"].as_str().unwrap());
        let (disabled, _) = server.call(&bob.key, "POST", &path, &Value::Null);
        assert_eq!(disabled, status, "disabling the owner with {left} ms left");
    }
}

#[test]
fn a_short_lived_admin_key_can_be_revoked_while_another_admin_key_is_left() {
    let server = InProcess::at(START);
    let brief = server.create("admin", "bob", Some(START + DAY));
    assert_eq!(server.revoke(&server.admin, &brief.id), 200);
    // Without a long-lived admin key, all but the last can be revoked, so that a leaked one can be revoked.
    let one = server.create("admin", "bob", Some(START + 40 * DAY));
    let two = server.create("admin", "bob", Some(START + 50 * DAY));
    let (_, me) = server.whoami(&server.admin);
    assert_eq!(
        server.revoke(&server.admin, me["key"]["id"].as_str().unwrap()),
        200
    );
    server.app.clock.set(START + 35 * DAY);
    assert_eq!(server.revoke(&two.key, &one.id), 200);
    assert_eq!(server.revoke(&two.key, &two.id), 409);
}

#[test]
fn a_rotation_counts_by_the_key_that_works_on() {
    let server = InProcess::at(START);
    let (_, me) = server.whoami(&server.admin);
    let first = me["key"]["id"].as_str().unwrap().to_owned();
    let new = Created::of(&server.rotate(&server.admin, &first).1);
    // The new key was not used yet.
    assert_eq!(server.revoke(&server.admin, &first), 409);
    assert_eq!(server.whoami(&new.key).0, 200);
    assert_eq!(server.revoke(&new.key, &first), 200);
    assert_eq!(server.revoke(&new.key, &new.id), 409);
}

#[test]
fn a_clock_set_back_revives_no_expired_key() {
    let server = InProcess::at(START);
    let seen = server.create("read_only", "ci", Some(START + HOUR));
    let unseen = server.create("read_only", "ci", Some(START + HOUR));
    let old = server.create("read_only", "ci", None);
    let new = Created::of(&server.rotate(&old.key, &old.id).1);
    let later = server.create("read_only", "ci", Some(START + DAY));
    for key in [&seen, &unseen, &old, &later, &new] {
        assert_eq!(server.whoami(&key.key).0, 200);
    }
    server.app.clock.set(START + HOUR);
    let expect = |server: &InProcess, key: &Created, code: &str| {
        let (status, answer) = server.whoami(&key.key);
        let found = answer["errorCode"].as_str().unwrap_or_default();
        assert_eq!(
            (status, found),
            (if code.is_empty() { 200 } else { 401 }, code),
            "{answer}"
        );
    };
    expect(&server, &seen, "KEY_EXPIRED");
    expect(&server, &old, "KEY_REPLACED");
    // While the server runs, no expired key works again, whether it was used since its expiry or not.
    server.app.clock.set_system(START);
    for key in [&seen, &unseen] {
        expect(&server, key, "KEY_EXPIRED");
    }
    expect(&server, &old, "KEY_REPLACED");
    expect(&server, &later, "");
    expect(&server, &new, "");

    // After a restart with the wrong clock, no key works again that was rejected before.
    let server = server.restart();
    server.app.clock.set(START);
    expect(&server, &seen, "KEY_EXPIRED");
    expect(&server, &old, "KEY_REPLACED");
    expect(&server, &later, "");
    assert_eq!(server.rotate(&server.admin, &seen.id).0, 409);
    let path = format!("{KEYS}/{}", seen.id);
    let (_, shown) = server.call(&server.admin, "GET", &path, &Value::Null);
    assert_eq!(shown["state"], "expired");
    let (_, list) = server.call(&server.admin, "GET", KEYS, &Value::Null);
    assert!(!list.to_string().contains(&seen.id));
    // An expired key can still be revoked, and is then reported as revoked.
    assert_eq!(server.revoke(&server.admin, &seen.id), 200);
    expect(&server, &seen, "KEY_REVOKED");
}

#[test]
fn a_temporarily_wrong_clock_ends_no_key_permanently() {
    let server = InProcess::at(START);
    let key = server.create("read_only", "ci", Some(START + DAY));
    let far = START + 40_000 * DAY;
    server.app.clock.set_system(far);
    let (status, answer) = server.whoami(&key.key);
    assert_eq!((status, &answer["errorCode"]), (401, &json!("KEY_EXPIRED")));
    server.app.clock.set_system(START);
    assert_eq!(server.whoami(&key.key).0, 200);
    // The keys also work after a restart.
    let server = server.restart();
    server.app.clock.set(START);
    assert_eq!(server.whoami(&key.key).0, 200);
    assert_eq!(server.whoami(&server.admin).0, 200);
}

#[test]
fn a_key_with_an_earlier_expiry_stops_working_then_and_stays_so_after_a_restart() {
    let server = InProcess::at(START);
    let key = server.create("read_only", "ci", Some(START + DAY));
    assert_eq!(server.whoami(&key.key).0, 200);
    let end = Timestamp::from_millisecond(START + HOUR).unwrap();
    let path = format!("{KEYS}/{}", key.id);
    let body = json!({ "expires_at": end });
    let (status, changed) = server.call(&server.admin, "PATCH", &path, &body);
    assert_eq!((status, &changed["expires_at"]), (200, &json!(end)));
    let expired = |server: &InProcess| {
        let (status, answer) = server.whoami(&key.key);
        assert_eq!((status, &answer["errorCode"]), (401, &json!("KEY_EXPIRED")));
    };
    server.app.clock.set(START + HOUR - 1);
    assert_eq!(server.whoami(&key.key).0, 200);
    server.app.clock.set(START + HOUR);
    expired(&server);
    let server = server.restart();
    server.app.clock.set(START + HOUR);
    expired(&server);
}
