use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::store::check_counts;
use crate::testing::InProcess;

const SESSION: &str = "6ba7b810-9dad-41d1-80b4-00c04fd430c8";
const OTHER: &str = "6ba7b811-9dad-41d1-80b4-00c04fd430c8";

fn database(server: &InProcess) -> PathBuf {
    server.data_dir().join("honeyhive.db")
}

fn connect(server: &InProcess) -> Connection {
    Connection::open(database(server)).unwrap()
}

/// Sends a request that must succeed.
fn call(server: &InProcess, method: &str, path: &str, body: &Value) -> Value {
    let (status, answer) = server.call(&server.admin, method, path, body);
    assert_eq!(status, 200, "{method} {path}: {answer}");
    answer
}

/// Returns the id of the event with a number.
fn id(number: usize) -> String {
    format!("018f0000-0000-7000-8000-{number:012x}")
}

/// Creates events with ids from `first` on in a session of a project.
fn create(server: &InProcess, project: &str, session: &str, first: usize, count: usize) {
    let event = |number: usize| {
        let kind = ["model", "tool", "chain"][number % 3];
        json!({
            "event_type": kind, "event_name": format!("call {}", number % 4),
            "event_id": id(number), "session_id": session, "project": project, "inputs": {"text": "x".repeat(500)},
            "start_time": 1_700_000_000_000_usize + number * 100_000, "duration": number % 7,
            "error": number.is_multiple_of(5).then_some("failed"),
            "metadata": {"cost": 0.25, "prompt_tokens": number},
        })
    };
    let events: Vec<_> = (first..first + count).map(event).collect();
    for events in events.chunks(500) {
        call(
            server,
            "POST",
            "/v1/events/batch",
            &json!({"events": events}),
        );
    }
}

fn start(server: &InProcess, project: &str, session: &str, user: &str) {
    let session = json!({
        "session_id": session, "project": project, "user_properties": {"user_id": user},
        "metadata": {"large": "x".repeat(70_000)},
    });
    call(
        server,
        "POST",
        "/session/start",
        &json!({"session": session}),
    );
}

/// Returns the page of the latest events of a project.
fn page(server: &InProcess, project: &str, filters: &Value) -> Value {
    let query = json!({"project": project, "filters": filters, "limit": 7500});
    call(server, "POST", "/v1/events/export", &query)
}

fn total(server: &InProcess, project: &str) -> Value {
    page(server, project, &json!([]))["totalEvents"].clone()
}

/// Waits until a query of the database returns zero.
fn until_zero(server: &InProcess, sql: &str) {
    let end = Instant::now() + Duration::from_mins(1);
    let connection = connect(server);
    let count = || {
        connection
            .query_row(sql, [], |row| row.get::<_, i64>(0))
            .unwrap()
    };
    while count() > 0 {
        assert!(Instant::now() < end, "{sql}");
        std::thread::yield_now();
    }
}

/// Checks that indexes, counts and tables are consistent and that no deletion is stored.
fn check(server: &InProcess) {
    check_counts(&database(server));
    let connection = connect(server);
    let integrity: String = connection
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(integrity, "ok");
    for sql in [
        "SELECT count(*) FROM events WHERE sid NOT IN (SELECT sid FROM sessions)",
        "SELECT count(*) FROM large_bodies WHERE sid NOT IN (SELECT sid FROM sessions)",
        "SELECT count(*) FROM deleted_sessions",
        "SELECT count(*) FROM user_deletions",
        "SELECT count(*) FROM sessions JOIN projects USING (project) WHERE deleted = 1",
        "SELECT count(*) FROM rollup_days JOIN projects USING (project) WHERE deleted = 1",
        "SELECT count(*) FROM rollup_hours JOIN projects USING (project) WHERE deleted = 1",
        "SELECT count(*) FROM rollup_totals JOIN projects USING (project) WHERE deleted = 1",
    ] {
        let count: i64 = connection.query_row(sql, [], |row| row.get(0)).unwrap();
        assert_eq!(count, 0, "{sql}");
    }
}

fn project(server: &InProcess, name: &str) -> String {
    let created = call(server, "POST", "/v1/projects", &json!({"name": name}));
    created["id"].as_str().unwrap().to_owned()
}

#[test]
fn every_kind_of_deletion_leaves_no_trace_and_other_projects_unchanged() {
    let server = InProcess::start();
    let docs = project(&server, "docs");
    for (project, first) in [("default", 0), ("docs", 100)] {
        start(&server, project, SESSION, "u1");
        create(&server, project, SESSION, first, 30);
        create(&server, project, OTHER, first + 30, 20);
    }
    let before = page(&server, "docs", &json!([]));
    assert_eq!(total(&server, "default"), 52);
    let delete = |path: &str| call(&server, "DELETE", path, &Value::Null);

    assert_eq!(delete(&format!("/v1/events/{}", id(3)))["events"], 1);
    check(&server);
    assert_eq!(total(&server, "default"), 51);

    let change = json!({"event_id": id(30), "user_properties": {"user_id": "u1"}});
    call(&server, "PUT", "/events", &change);
    let list = call(&server, "GET", "/v1/projects?name=default", &Value::Null);
    let path = format!(
        "/v1/projects/{}/events/delete",
        list["projects"][0]["id"].as_str().unwrap()
    );
    let user = json!({"user_property": "user_id", "value": "u1"});
    let deleted = call(&server, "POST", &path, &user);
    let expected = json!({"sessions": 1, "events": 30, "dry_run": false, "complete": true});
    assert_eq!(deleted, expected);
    check(&server);
    assert_eq!(total(&server, "default"), 20);

    let deleted = delete(&format!("/v1/sessions/{OTHER}"));
    assert_eq!(
        (&deleted["sessions"], &deleted["events"]),
        (&json!(1), &json!(19))
    );
    check(&server);
    assert_eq!(total(&server, "default"), 0);
    assert_eq!(page(&server, "docs", &json!([])), before);

    let deleted = delete(&format!("/v1/projects/{docs}"));
    let expected = json!({"sessions": 2, "events": 50, "dry_run": false, "complete": true});
    assert_eq!(deleted, expected);
    check(&server);
    let connection = connect(&server);
    for table in [
        "events",
        "sessions",
        "large_bodies",
        "rollup_days",
        "rollup_hours",
        "rollup_totals",
    ] {
        let sql = format!("SELECT count(*) FROM {table}");
        let count: i64 = connection.query_row(&sql, [], |row| row.get(0)).unwrap();
        assert_eq!(count, 0, "{table}");
    }
}

/// Marks a session as deleted without deleting it, as a deletion does that is not complete.
fn mark(server: &InProcess, session: &str) {
    let session = Uuid::parse_str(session).unwrap();
    let marked = server.app.store.engine.writer.submit(move |connection| {
        let sid = find_session(connection, 1, session)?;
        sessions::mark(connection, 1, sid)
    });
    assert!(marked.wait_blocking().unwrap());
}

#[test]
fn no_query_finds_a_session_that_is_being_deleted_and_no_event_is_added_to_it() {
    let server = InProcess::start();
    start(&server, "default", SESSION, "u1");
    create(&server, "default", SESSION, 0, 20);
    create(&server, "default", OTHER, 20, 5);
    mark(&server, SESSION);

    let is = |field: &str, value: &str| json!([{"field": field, "operator": "is", "value": value}]);
    for (filters, expected) in [
        (json!([]), 6),
        (is("session_id", SESSION), 0),
        (is("event_type", "session"), 1),
        (is("event_type", "model"), 2),
        (is("event_name", "call 1"), 1),
        (is("metadata.prompt_tokens", "1"), 0),
        (json!([{"field": "error", "operator": "exists"}]), 1),
    ] {
        let found = page(&server, "default", &filters);
        assert_eq!(found["totalEvents"], expected, "{filters}");
        assert_eq!(
            found["events"].as_array().unwrap().len(),
            expected,
            "{filters}"
        );
    }
    let query = json!({"limit": 4, "cursor": ""});
    let found = call(&server, "POST", "/v1/events/search", &query);
    let query = json!({"limit": 4, "cursor": found["next"]});
    let found = call(&server, "POST", "/v1/events/search", &query);
    assert_eq!(found["events"].as_array().unwrap().len(), 2);
    let status =
        |method: &str, path: &str, body: &Value| server.call(&server.admin, method, path, body).0;
    for path in [
        format!("/v1/events/{}", id(1)),
        format!("/v1/sessions/{SESSION}"),
    ] {
        assert_eq!(status("GET", &path, &Value::Null), 404, "{path}");
        assert_eq!(status("DELETE", &path, &Value::Null), 404, "{path}");
    }
    let found = call(
        &server,
        "GET",
        &format!("/v1/sessions?prefix={}", &SESSION[..8]),
        &Value::Null,
    );
    assert_eq!(found["sessions"], json!([]));
    let patch = json!({"event_id": id(1), "metadata": {"a": 1}});
    assert_eq!(status("PUT", "/events", &patch), 404);
    let again = json!({"session": {"session_id": SESSION}});
    assert_eq!(status("POST", "/session/start", &again), 409);
    create(&server, "default", SESSION, 0, 25);
    assert_eq!(total(&server, "default"), 6);

    server.app.store.engine.deletions.wake();
    until_zero(&server, "SELECT count(*) FROM deleted_sessions");
    check(&server);
    assert_eq!(total(&server, "default"), 6);
    // Afterwards, events that are sent again are new events.
    create(&server, "default", SESSION, 0, 20);
    assert_eq!(total(&server, "default"), 27);
}

#[test]
fn a_deletion_continues_when_the_server_is_started_again() {
    let server = InProcess::start();
    project(&server, "docs");
    start(&server, "default", SESSION, "u1");
    for (project, session, first) in [
        ("default", SESSION, 0),
        ("default", OTHER, 30),
        ("docs", OTHER, 60),
    ] {
        create(&server, project, session, first, 30);
    }
    let patch = json!({"event_id": id(30), "user_properties": {"user_id": "u2"}});
    call(&server, "PUT", "/events", &patch);
    mark(&server, SESSION);
    let begun = server.app.store.engine.writer.submit(|connection| {
        let user = UserProperty::parse("user_id".to_owned(), json!("u2"))?;
        users::begin(connection, 1, &user)?;
        delete_project(connection, 2)
    });
    begun.wait_blocking().unwrap();
    let server = server.restart();
    until_zero(
        &server,
        "SELECT (SELECT count(*) FROM deleted_sessions) + (SELECT count(*) FROM user_deletions)
           + (SELECT count(*) FROM sessions WHERE project = 2)",
    );
    check(&server);
    assert_eq!(total(&server, "default"), 30);
    let list = call(&server, "GET", "/v1/projects", &Value::Null);
    assert_eq!(list["projects"].as_array().unwrap().len(), 1);
}

#[test]
fn the_file_shrinks_after_a_deletion() {
    let server = InProcess::start();
    create(&server, "default", SESSION, 0, 6000);
    create(&server, "default", OTHER, 6000, 10);
    let copy = server.app.store.engine.writer.empty_log();
    copy.wait_blocking().unwrap();
    let size = || fs::metadata(database(&server)).unwrap().len();
    let before = size();
    call(
        &server,
        "DELETE",
        &format!("/v1/sessions/{SESSION}"),
        &Value::Null,
    );
    let end = Instant::now() + Duration::from_mins(1);
    while size() * 3 > before {
        assert!(Instant::now() < end, "{before} {}", size());
        std::thread::yield_now();
    }
    check(&server);
    assert_eq!(total(&server, "default"), 11);
}

#[test]
fn events_that_arrive_during_a_deletion_are_deleted_or_form_a_new_session() {
    let server = InProcess::start();
    create(&server, "default", SESSION, 0, 500);
    let send = async {
        for number in 0..200 {
            let event = json!({
                "event_type": "tool", "inputs": {}, "event_id": id(1000 + number), "session_id": SESSION,
            });
            let (status, answer) = server
                .send(&server.admin, "POST", "/v1/events", &event)
                .await;
            assert_eq!(status, 200, "{answer}");
        }
    };
    let path = format!("/v1/sessions/{SESSION}");
    let delete = server.send(&server.admin, "DELETE", &path, &Value::Null);
    let both = futures_util::future::join(send, delete);
    let ((), (status, deleted)) = server.runtime.block_on(both);
    assert_eq!((status, &deleted["complete"]), (200, &json!(true)));
    assert!(deleted["events"].as_u64().unwrap() >= 500);
    check(&server);
    // No event of before the deletion is left.
    for number in [0, 499] {
        let path = format!("/v1/events/{}", id(number));
        assert_eq!(
            server.call(&server.admin, "GET", &path, &Value::Null).0,
            404
        );
    }
    let (status, _) = server.call(&server.admin, "DELETE", &path, &Value::Null);
    assert!([200, 404].contains(&status), "{status}");
    check(&server);
    assert_eq!(total(&server, "default"), 0);
}
