//! Tests the limits of reads: pages have a maximum size, queries have a time limit, and neither delays the check of
//! keys.

use std::time::{Duration, Instant};

use hh_auth::Level;
use rusqlite::{Connection as Database, params};
use serde_json::json;
use tokio::task::JoinSet;

use super::spans::{BASE, encode, label, span};
use super::support::{Client, JSON, TestServer, text, within};

const EXPORT: &str = "/v1/events/export";
const WHOAMI: &str = "/v1/auth/whoami";
const MIB: usize = 1 << 20;
/// The time limit of a query over events.
const LIMIT: Duration = Duration::from_secs(10);

fn database(server: &TestServer) -> Database {
    Database::open(server.data_dir().join("honeyhive.db")).unwrap()
}

/// Replaces a table by an endless view, which simulates a table with very many rows.
fn slow_down(server: &TestServer, table: &str) {
    let sql = format!(
        "ALTER TABLE {table} RENAME TO kept;
         CREATE VIEW {table} AS SELECT * FROM kept WHERE (
           WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n) > 0;"
    );
    let database = database(server);
    // With these settings, the foreign keys of other tables still refer to the original name.
    database
        .execute_batch("PRAGMA legacy_alter_table = ON; PRAGMA foreign_keys = OFF;")
        .unwrap();
    database.execute_batch(&sql).unwrap();
}

fn undo(server: &TestServer, table: &str) {
    let sql = format!("DROP VIEW {table}; ALTER TABLE kept RENAME TO {table};");
    let database = database(server);
    database
        .execute_batch("PRAGMA legacy_alter_table = ON; PRAGMA foreign_keys = OFF;")
        .unwrap();
    database.execute_batch(&sql).unwrap();
}

/// Starts a number of clients that read slow pages until the result is dropped.
fn readers(client: &Client, count: usize) -> JoinSet<()> {
    let mut readers = JoinSet::new();
    for _ in 0..count {
        let client = client.clone();
        readers.spawn(async move {
            loop {
                let answer = client.post(EXPORT, &json!({"page": 1000})).await;
                answer.assert_problem(503);
            }
        });
    }
    readers
}

/// Waits until all reading threads are busy, so that another read is not answered.
async fn busy(client: &Client) {
    let soon = Duration::from_millis(200);
    let small = json!({"limit": 1});
    while tokio::time::timeout(soon, client.post(EXPORT, &small))
        .await
        .is_ok()
    {}
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_readers_keep_no_key_from_working_or_being_revoked() {
    let server = TestServer::start_on_threads().await;
    let admin = server.admin();
    let reader = server.key(Level::ReadOnly, "all").await;
    filled(&server, 1).await;
    slow_down(&server, "events");
    let mut readers = readers(&reader, 12);
    busy(&reader).await;
    let started = Instant::now();
    let mut rounds = 0;
    // The loop is long enough for several queries to reach their limit.
    while started.elapsed() < 2 * LIMIT || rounds < 20 {
        let (id, key) = server.mint(Level::ReadWrite, "all").await;
        let client = server.client(&key);
        client.get(WHOAMI).await.assert_ok();
        admin.get("/v1/api_keys").await.assert_ok();
        admin.get(&format!("/v1/api_keys/{id}")).await.assert_ok();
        admin.get("/v1/owners").await.assert_ok();
        admin
            .delete(&format!("/v1/api_keys/{id}"))
            .await
            .assert_ok();
        client.get(WHOAMI).await.assert_problem(401);
        rounds += 1;
    }
    assert!(readers.try_join_next().is_none(), "a reader has stopped");
    readers.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_list_of_owners_keeps_no_key_from_being_checked() {
    let server = TestServer::start_on_threads().await;
    let mut keys = Vec::new();
    for _ in 0..20 {
        keys.push(server.key(Level::ReadOnly, "all").await);
    }
    slow_down(&server, "owners");
    let admin = server.admin();
    let slow = admin.get("/v1/owners");
    let others = async {
        for key in &keys {
            key.get(WHOAMI).await.assert_ok();
        }
    };
    tokio::select! {
        answer = slow => panic!("the slow request was answered: {answer:?}"),
        () = within(others) => {}
    }
}

#[tokio::test]
async fn a_query_that_times_out_is_503_with_a_hint() {
    let server = TestServer::start().await;
    filled(&server, 1).await;
    slow_down(&server, "events");
    let answer = server.admin().post(EXPORT, &json!({})).await;
    assert_eq!(answer.json()["errorCode"], "QUERY_TIMEOUT");
    assert!(answer.header("retry-after").is_some());
    let message = answer.assert_problem(503);
    insta::assert_snapshot!(message, @"the query took longer than 10 s and was stopped; filter by session_id or a time range, request an earlier page or set a smaller limit");
    // Sessions are in another table.
    let filter = json!({"field": "event_type", "operator": "is", "value": "session"});
    let sessions = server.admin().events(&json!({"filters": [filter]})).await;
    assert_eq!(sessions["count"], 1);
    undo(&server, "events");
    assert_eq!(server.admin().events(&json!({})).await["count"], 2);
}

#[tokio::test]
async fn a_query_stops_when_its_client_disconnects() {
    let server = TestServer::start().await;
    let admin = server.admin();
    filled(&server, 1).await;
    slow_down(&server, "events");
    let started = Instant::now();
    let mut connections = Vec::new();
    for _ in 0..12 {
        let mut connection = admin.connect().await;
        let mut request = admin.head("POST", EXPORT, &[JSON, ("content-length", "2")]);
        request.extend_from_slice(b"{}");
        assert!(connection.write(&request).await);
        connections.push(connection);
    }
    busy(&admin).await;
    drop(connections);
    undo(&server, "events");
    let list = admin.events(&json!({})).await;
    assert_eq!(list["count"], 2);
    let took = started.elapsed();
    assert!(took < LIMIT, "the queries ran until their limit: {took:?}");
}

/// Stores events of two kinds in sessions, all in one millisecond.
async fn filled(server: &TestServer, count: u8) {
    let spans = (1..=count).map(|number| {
        let session = format!("{:08}-0000-4000-8000-000000000000", number % 4);
        let kind = if number % 3 == 0 { "tool" } else { "model" };
        let labels = vec![
            label("honeyhive.session_id", &session),
            label("honeyhive_event_type", kind),
        ];
        let mut one = span(number, None, labels);
        one.start_time_unix_nano = BASE + u64::from(number % 2);
        one
    });
    let spans = encode(spans.collect());
    server.admin().export(&spans).await.assert_ok_empty();
}

#[tokio::test]
async fn the_total_is_exact_on_every_page() {
    let server = TestServer::start().await;
    filled(&server, 40).await;
    let client = server.key(Level::ReadOnly, "all").await;
    let is = |field: &str, value: &str| json!({"field": field, "operator": "is", "value": value});
    for (filters, matching) in [
        (json!([]), 44),
        (json!([is("event_type", "session")]), 4),
        (json!([is("event_type", "tool")]), 13),
        (
            json!([is("session_id", "00000001-0000-4000-8000-000000000000")]),
            11,
        ),
    ] {
        for limit in [1, 2, 3, 4, 10, 11, 13, 22, 43, 44, 45, 7500] {
            for page in 1..=matching / limit + 3 {
                let wanted = json!({"filters": filters, "limit": limit, "page": page});
                let list = client.events(&wanted).await;
                assert_eq!(list["totalEvents"], matching, "{wanted}");
                assert_eq!(list["count"], matching);
                assert_eq!(list.as_object().unwrap().len(), 3, "{wanted}");
            }
        }
    }
}

#[tokio::test]
async fn events_that_start_together_have_one_order_on_all_pages() {
    let server = TestServer::start().await;
    filled(&server, 40).await;
    let admin = server.admin();
    let whole = admin.events(&json!({})).await;
    let whole = whole["events"].as_array().unwrap();
    for limit in [1, 5, 7] {
        let mut all = Vec::new();
        for page in 1..=44 / limit + 1 {
            let list = admin.events(&json!({"limit": limit, "page": page})).await;
            all.extend(list["events"].as_array().unwrap().iter().cloned());
        }
        assert_eq!(&all, whole);
    }
    // Within a session, events are ordered by id, with the session itself last.
    let ids = whole
        .iter()
        .filter(|event| event["session_id"] == "00000002-0000-4000-8000-000000000000")
        .map(|event| {
            let is_event = event["event_type"] != "session";
            let start = event["start_time"].as_f64().unwrap();
            (start, is_event, text(&event["event_id"]))
        });
    assert!(ids.clone().count() == 11 && ids.is_sorted_by(|one, next| one > next));
}

/// Stores events with large inputs or with large names, which older versions accepted.
fn store(server: &TestServer, count: u8, started: i64, name: usize, inputs: usize) {
    let database = database(server);
    let session = [9_u8; 16];
    database
        .execute(
            "INSERT INTO sessions (sid, project, id, name, started, listed, ended, implicit, body)
             VALUES (9, 1, ?1, 'old', ?2, ?2, ?2, 0, CAST('{}' AS BLOB)) ON CONFLICT DO NOTHING",
            params![session, started],
        )
        .unwrap();
    for (kind, more) in [(0, 1), (3, count)] {
        database
            .execute(
                "INSERT INTO rollup_totals VALUES (1, ?1, ?2) ON CONFLICT DO UPDATE SET n = n + ?2",
                params![kind, more],
            )
            .unwrap();
    }
    let body = json!({"source": "test", "inputs": {"text": "x".repeat(inputs)}}).to_string();
    for number in 0..count {
        database
            .execute(
                "INSERT INTO events (sid, started, id, parent, project, kind, name, ended, body)
                 VALUES (9, ?1, ?2, ?3, 1, 3, ?4, ?1, ?5)",
                params![
                    started,
                    [number; 16],
                    session,
                    "n".repeat(name),
                    body.as_bytes()
                ],
            )
            .unwrap();
    }
}

/// Reads all pages by their cursors, and returns the numbers of their events.
async fn pages(client: &Client) -> Vec<usize> {
    let (mut pages, mut cursor) = (Vec::new(), String::new());
    loop {
        let answer = client.post(EXPORT, &json!({"cursor": cursor})).await;
        let list = answer.assert_ok();
        let events = list["events"].as_array().unwrap();
        assert!(answer.body.len() <= 8 * MIB || events.len() == 1);
        assert_eq!(list.get("truncated"), None);
        pages.push(events.len());
        let Some(next) = list["next"].as_str() else {
            return pages;
        };
        cursor = next.to_owned();
    }
}

#[tokio::test]
async fn a_page_with_a_number_has_all_its_events_however_large_they_are() {
    for (name, inputs, fit) in [(10, 3 * MIB, 2), (3 * MIB, 10, 2), (MIB, 5 * MIB, 1)] {
        let server = TestServer::start().await;
        store(&server, 3, 1_000_000_000, name, inputs);
        let client = server.key(Level::ReadOnly, "all").await;
        let list = client.events(&json!({})).await;
        let all = list["events"].as_array().unwrap();
        assert_eq!(all.len(), 4);
        assert_eq!(list["totalEvents"], 4);
        assert_eq!(list.as_object().unwrap().len(), 3);
        let mut found = Vec::new();
        for page in 1..=2 {
            let wanted = json!({"limit": 3, "page": page});
            let list = client.events(&wanted).await;
            found.extend(list["events"].as_array().unwrap().iter().cloned());
        }
        assert!(&found == all);
        let by_cursor = pages(&client).await;
        assert_eq!(by_cursor.iter().sum::<usize>(), 4);
        assert_eq!(by_cursor[0], fit);
    }
}

#[tokio::test]
async fn the_parts_of_a_large_page_are_changed_like_a_whole_page() {
    let server = TestServer::start().await;
    store(&server, 3, 1_000_000_000, 10, 5 * MIB);
    let client = server.key(Level::ReadOnly, "all").await;
    let wanted = json!({"projections": ["event_id", "event_type"]});
    let list = client.events(&wanted).await;
    let events = list["events"].as_array().unwrap();
    assert_eq!(events.len(), 4);
    for event in events {
        assert_eq!(event.as_object().unwrap().len(), 2);
    }
    let legacy = client.post("/events/export", &json!({})).await.assert_ok();
    assert_eq!(legacy["events"].as_array().unwrap().len(), 4);
}

#[tokio::test]
async fn large_events_of_the_future_make_no_default_list_fail() {
    let server = TestServer::start().await;
    filled(&server, 10).await;
    // The latest time in 64 bits of nanoseconds is in 2262.
    store(&server, 2, i64::MAX, 10, 5 * MIB);
    let client = server.key(Level::ReadOnly, "all").await;
    let list = client.events(&json!({})).await;
    assert_eq!(list["events"].as_array().unwrap().len(), 17);
    assert_eq!(pages(&client).await.iter().sum::<usize>(), 17);
}

#[tokio::test]
async fn the_rest_of_a_large_page_is_not_returned_to_a_revoked_key() {
    let server = TestServer::start().await;
    store(&server, 5, 1_000_000_000, 10, 7 * MIB);
    let (id, key) = server.mint(Level::ReadOnly, "all").await;
    let client = server.client(&key);
    let mut connection = client.connect().await;
    let mut request = client.head("POST", EXPORT, &[JSON, ("content-length", "2")]);
    request.extend_from_slice(b"{}");
    assert!(connection.write(&request).await);
    // The response has begun, and most of it does not fit into the buffers of the connection.
    assert!(connection.more().await);
    let admin = server.admin();
    admin
        .delete(&format!("/v1/api_keys/{id}"))
        .await
        .assert_ok();
    let received = within(connection.rest()).await;
    assert!(received < 30 * MIB, "{received} bytes");
}

#[tokio::test]
async fn reads_are_503_while_the_database_cannot_be_opened_and_known_keys_work() {
    let server = TestServer::start().await;
    let key = server.key(Level::ReadOnly, "all").await;
    let path = server.data_dir().join("honeyhive.db");
    let away = server.data_dir().join("away");
    std::fs::rename(&path, &away).unwrap();
    let answer = server.admin().post(EXPORT, &json!({})).await;
    assert!(answer.header("retry-after").is_some());
    let message = answer.assert_problem(503);
    insta::assert_snapshot!(message, @"the server cannot open its database at the moment; retry later");
    // Its connection has been open since the start.
    key.get(WHOAMI).await.assert_ok();
    std::fs::rename(&away, &path).unwrap();
    assert_eq!(key.events(&json!({})).await["count"], 0);
}
