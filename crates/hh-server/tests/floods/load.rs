//! The clients and data of floods.

use std::time::{Duration, Instant};

use rusqlite::{Connection as Database, params};
use serde_json::{Value, json};

use super::spans::{encode, span};
use super::support::{Answer, Client, Connection, JSON, TestServer, within};

pub(crate) const EXPORT: &str = "/v1/events/export";
pub(crate) const WHOAMI: &str = "/v1/auth/whoami";
/// A limit well above any duration without a flood, and well below the limits of the server.
pub(crate) const SOON: Duration = Duration::from_secs(3);

pub(crate) fn database(server: &TestServer) -> Database {
    Database::open(server.data_dir().join("honeyhive.db")).unwrap()
}

/// Stores sessions of 5 MiB; a page contains one of them.
pub(crate) fn large_sessions(server: &TestServer, count: u8, body: &Value) {
    let database = database(server);
    let body = body.to_string();
    for number in 1..=count {
        database
            .execute(
                "INSERT INTO sessions (sid, project, id, name, started, listed, ended, implicit, body)
                 VALUES (?1, 1, ?2, 'large', ?1, ?1, ?1, 0, ?3)",
                params![number, [number; 16], body.as_bytes()],
            )
            .unwrap();
    }
}

/// Makes queries for events run endlessly, as they do with very many events.
pub(crate) async fn slow_down(server: &TestServer) {
    let one = encode(vec![span(1, None, Vec::new())]);
    server.admin().export(&one).await.assert_ok_empty();
    let database = database(server);
    database
        .execute_batch(
            "PRAGMA legacy_alter_table = ON; PRAGMA foreign_keys = OFF;
             ALTER TABLE events RENAME TO kept;
             CREATE VIEW events AS SELECT * FROM kept WHERE (
               WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n) > 0;",
        )
        .unwrap();
}

/// Sends a request and does not read the response.
pub(crate) async fn ask(client: &Client, body: &Value) -> Connection {
    let body = body.to_string();
    let length = body.len().to_string();
    let mut connection = client.connect().await;
    let headers = [JSON, ("content-length", length.as_str())];
    let mut request = client.head("POST", EXPORT, &headers);
    request.extend_from_slice(body.as_bytes());
    connection.write(&request).await;
    connection
}

/// Returns the latencies of a request, sorted.
pub(crate) async fn latencies(count: usize, client: &Client, path: &str) -> Vec<(Duration, u16)> {
    let mut all = Vec::new();
    for _ in 0..count {
        let started = Instant::now();
        let status = within(client.get(path)).await.status;
        all.push((started.elapsed(), status));
    }
    all.sort();
    all
}

pub(crate) async fn start(client: &Client, session: &Value) -> Answer {
    client
        .post("/session/start", &json!({"session": session}))
        .await
}
