//! Requests of one key that wait for the server keep nobody else out.

use std::time::{Duration, Instant};

use hh_auth::Level;
use rusqlite::{Connection as Database, params};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::spans::{encode, span};
use super::support::{Client, JSON, TestServer, within};

const EXPORT: &str = "/v1/events/export";
const WHOAMI: &str = "/v1/auth/whoami";
const MIB: usize = 1 << 20;
/// Well above what anything here takes without an attack, well below the limits of the server.
const SOON: Duration = Duration::from_secs(3);

fn database(server: &TestServer) -> Database {
    Database::open(server.data_dir().join("honeyhive.db")).unwrap()
}

/// Stores sessions of 5 MiB, of which a page has one.
fn large_sessions(server: &TestServer, count: u8, body: &Value) {
    let database = database(server);
    let body = body.to_string();
    for number in 1..=count {
        database
            .execute(
                "INSERT INTO sessions (sid, project, id, name, started, ended, implicit, body)
                 VALUES (?1, 1, ?2, 'large', ?1, ?1, 0, ?3)",
                params![number, [number; 16], body.as_bytes()],
            )
            .unwrap();
    }
}

/// Makes queries that read events endless, as they are with very many of them.
async fn slow_down(server: &TestServer) {
    let one = encode(vec![span(1, None, Vec::new())]);
    server.admin().export(&one).await.ok_empty();
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
async fn ask(client: &Client, body: &Value) -> super::support::Connection {
    let body = body.to_string();
    let length = body.len().to_string();
    let mut connection = client.connect().await;
    let headers = [JSON, ("content-length", length.as_str())];
    let mut request = client.head("POST", EXPORT, &headers);
    request.extend_from_slice(body.as_bytes());
    connection.write(&request).await;
    connection
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "measures time or memory: run it with `--run-ignored only`"]
async fn reads_that_wait_for_memory_leave_connections_to_others() {
    let server = TestServer::start_on_threads().await;
    let reader = server.key(Level::ReadOnly, "all").await;
    let (id, _) = server.mint(Level::ReadWrite, "all").await;
    let text = json!({"source": "test", "inputs": {"text": "x".repeat(6 * MIB)}});
    large_sessions(&server, 2, &text);
    // Four pages that nobody reads hold the whole share of the key.
    let mut held = Vec::new();
    for _ in 0..4 {
        held.push(ask(&reader, &json!({"limit": 1})).await);
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    let started = Instant::now();
    let mut waiting = Vec::new();
    for _ in 0..4200 {
        let limit = Duration::from_secs(5);
        let Ok(asked) = tokio::time::timeout(limit, ask(&reader, &json!({}))).await else {
            break;
        };
        waiting.push(asked);
    }
    println!("{} wait after {:?}", waiting.len(), started.elapsed());
    let started = Instant::now();
    let admin = server.admin();
    let answer = within(admin.delete(&format!("/v1/api_keys/{id}"))).await;
    let took = started.elapsed();
    println!("revoked after {took:?}");
    answer.ok();
    assert!(took < SOON, "the revocation took {took:?}");
    drop((held, waiting));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "measures time or memory: run it with `--run-ignored only`"]
async fn reads_whose_clients_are_gone_leave_connections_to_others() {
    let server = TestServer::start_on_threads().await;
    let reader = server.key(Level::ReadOnly, "all").await;
    let (id, _) = server.mint(Level::ReadWrite, "all").await;
    slow_down(&server).await;
    let mut gone = 0;
    for _ in 0..4200 {
        let limit = Duration::from_secs(5);
        let Ok(asked) = tokio::time::timeout(limit, ask(&reader, &json!({}))).await else {
            break;
        };
        drop(asked);
        gone += 1;
    }
    let started = Instant::now();
    let admin = server.admin();
    within(admin.delete(&format!("/v1/api_keys/{id}")))
        .await
        .ok();
    let took = started.elapsed();
    println!("{gone} are gone, revoked after {took:?}");
    assert!(took < SOON, "the revocation took {took:?}");
}

/// The latencies of a request, the longest last.
async fn latencies(count: usize, client: &Client, path: &str) -> Vec<(Duration, u16)> {
    let mut all = Vec::new();
    for _ in 0..count {
        let started = Instant::now();
        let status = within(client.get(path)).await.status;
        all.push((started.elapsed(), status));
    }
    all.sort();
    all
}

fn used() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmHWM"))
        .unwrap();
    let kib: usize = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kib / 1024
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "measures time or memory: run it with `--run-ignored only`"]
async fn repeated_starts_of_a_large_session_delay_no_administration() {
    let server = TestServer::start_on_threads().await;
    let writer = server.key(Level::ReadWrite, "all").await;
    let admin = server.admin();
    let values: Vec<Value> = (0..150_000).map(|number| json!([number])).collect();
    large_sessions(
        &server,
        1,
        &json!({"source": "test", "inputs": {"values": values}}),
    );
    println!("idle {:?}", latencies(3, &admin, "/v1/owners").await.pop());
    let before = used();
    let session = json!({"session": {"session_id": uuid::Uuid::from_bytes([1; 16]).to_string()}});
    let mut starts = JoinSet::new();
    for _ in 0..64 {
        let (writer, session) = (writer.clone(), session.clone());
        starts.spawn(async move {
            loop {
                let _response = writer.post("/session/start", &session).await;
            }
        });
    }
    tokio::time::sleep(Duration::from_secs(3)).await;
    let (longest, status) = latencies(3, &admin, "/v1/owners").await.pop().unwrap();
    println!(
        "attacked {longest:?} {status}; {} MiB more",
        used() - before
    );
    starts.shutdown().await;
    assert_eq!(status, 200);
    assert!(longest < SOON, "the list of owners took {longest:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "measures time or memory: run it with `--run-ignored only`"]
async fn slow_reads_of_two_keys_leave_reads_to_a_third() {
    let server = TestServer::start_on_threads().await;
    slow_down(&server).await;
    let mut readers = JoinSet::new();
    for _ in 0..2 {
        let reader = server.key(Level::ReadOnly, "all").await;
        for _ in 0..32 {
            let reader = reader.clone();
            readers.spawn(async move {
                loop {
                    let _response = reader.post(EXPORT, &json!({"page": 9})).await;
                }
            });
        }
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    let third = server.key(Level::ReadOnly, "all").await;
    // Sessions are in another table: this read takes no time.
    let filter = json!({"field": "event_type", "operator": "is", "value": "session"});
    let mut statuses = Vec::new();
    for _ in 0..5 {
        let started = Instant::now();
        let answer = within(third.post(EXPORT, &json!({"filters": [filter], "limit": 1}))).await;
        statuses.push((answer.status, started.elapsed()));
    }
    println!("{statuses:?}");
    readers.shutdown().await;
    assert!(
        statuses.iter().all(|(status, _)| *status == 200),
        "{statuses:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "measures time or memory: run it with `--run-ignored only`"]
async fn large_exports_of_one_key_delay_no_small_session_of_another() {
    let server = TestServer::start_on_threads().await;
    let attacker = server.key(Level::IngestOnly, "all").await;
    let other = server.key(Level::IngestOnly, "all").await;
    let values: Vec<Value> = (0..30_000).map(|_| json!({})).collect();
    let body = json!({"session": {"inputs": {"values": values}, "session_id": "one"}});
    let mut floods = JoinSet::new();
    for _ in 0..256 {
        let (attacker, body) = (attacker.clone(), body.clone());
        floods.spawn(async move {
            let text = body.to_string();
            loop {
                let _response = attacker
                    .send("POST", "/session/start", &[JSON], text.as_bytes())
                    .await;
            }
        });
    }
    tokio::time::sleep(Duration::from_secs(4)).await;
    let mut all = Vec::new();
    for _ in 0..5 {
        let started = Instant::now();
        let answer = within(other.post("/session/start", &json!({"session": {}}))).await;
        all.push((answer.status, started.elapsed()));
    }
    println!("{all:?}; whoami {:?}", latencies(3, &other, WHOAMI).await);
    floods.shutdown().await;
    assert!(
        all.iter()
            .all(|(status, took)| *status == 200 && *took < SOON / 3),
        "{all:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "measures time or memory: run it with `--run-ignored only`"]
async fn the_log_of_the_database_stays_small_while_reads_overlap() {
    let server = TestServer::start_on_threads().await;
    slow_down(&server).await;
    let reader = server.key(Level::ReadOnly, "all").await;
    let mut readers = JoinSet::new();
    for number in 0..2 {
        let reader = reader.clone();
        readers.spawn(async move {
            tokio::time::sleep(Duration::from_millis(2500 * number)).await;
            loop {
                let _response = reader.post(EXPORT, &json!({})).await;
            }
        });
    }
    tokio::time::sleep(Duration::from_secs(3)).await;
    // In place of 10 MiB/s of events: what is written and checkpointed is the same.
    let database = database(&server);
    let wal = server.data_dir().join("honeyhive.db-wal");
    let mut most = 0;
    for number in 0..25 {
        for part in 0..10 {
            let name = format!("{number}.{part}");
            let sql = "INSERT INTO meta VALUES (?1, hex(zeroblob(524288)))";
            database.execute(sql, [name]).unwrap();
        }
        most = most.max(std::fs::metadata(&wal).unwrap().len());
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    readers.shutdown().await;
    println!("at most {} MiB of 250 MiB", most / MIB as u64);
    // The limit, and what is written while the last query runs.
    assert!(most < 128 * MIB as u64, "{} MiB", most / MIB as u64);
}

/// A session of 800 KB, which takes 60 MiB as values.
fn small_objects(server: &TestServer) -> Value {
    let values: Vec<Value> = (0..99_000).map(|_| json!({"": 0})).collect();
    large_sessions(
        server,
        1,
        &json!({"source": "test", "inputs": {"values": values}}),
    );
    json!({"session": {"session_id": uuid::Uuid::from_bytes([1; 16]).to_string()}})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "measures time or memory: run it with `--run-ignored only`"]
async fn stored_sessions_that_are_returned_count_against_the_memory_of_responses() {
    let server = TestServer::start_on_threads().await;
    let (writer, other) = (
        server.key(Level::ReadWrite, "all").await,
        server.key(Level::IngestOnly, "all").await,
    );
    let session = small_objects(&server);
    let before = used();
    writer.post("/session/start", &session).await.ok();
    println!("one takes {} MiB", used() - before);
    let mut starts = JoinSet::new();
    for _ in 0..64 {
        let (writer, session) = (writer.clone(), session.clone());
        starts.spawn(async move {
            loop {
                let _response = writer.post("/session/start", &session).await;
            }
        });
    }
    // What renders the answers is busy with this.
    let values: Vec<Value> = (0..30_000).map(|_| json!({})).collect();
    let body = json!({"session": {"inputs": {"values": values}, "session_id": "one"}}).to_string();
    for _ in 0..200 {
        let (other, body) = (other.clone(), body.clone());
        starts.spawn(async move {
            loop {
                let _response = other
                    .send("POST", "/session/start", &[JSON], body.as_bytes())
                    .await;
            }
        });
    }
    tokio::time::sleep(Duration::from_secs(25)).await;
    let more = used() - before;
    println!("{more} MiB more");
    starts.shutdown().await;
    assert!(more < 300, "{more} MiB more");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "measures time or memory: run it with `--run-ignored only`"]
async fn large_changes_of_one_key_delay_no_administration_and_no_small_change() {
    let server = TestServer::start_on_threads().await;
    let attacker = server.key(Level::IngestOnly, "all").await;
    let other = server.key(Level::IngestOnly, "all").await;
    let ids = [
        "11111111-1111-4111-8111-111111111111",
        "22222222-2222-4222-8222-222222222222",
    ];
    for (key, id) in [(&attacker, ids[0]), (&other, ids[1])] {
        let text = "x".repeat(900_000);
        let session = json!({"session": {"session_id": id, "inputs": {"text": text}}});
        key.post("/session/start", &session).await.ok();
    }
    let mut floods = JoinSet::new();
    for number in 0..256 {
        let attacker = attacker.clone();
        floods.spawn(async move {
            let metrics = json!({"n": number});
            loop {
                let patch = json!({"event_id": ids[0], "metrics": metrics});
                let _response = attacker.put("/events", &patch).await;
            }
        });
    }
    tokio::time::sleep(Duration::from_secs(3)).await;
    let (longest, status) = latencies(5, &server.admin(), "/v1/owners")
        .await
        .pop()
        .unwrap();
    let mut all = Vec::new();
    for _ in 0..3 {
        let started = Instant::now();
        let patch = json!({"event_id": ids[1], "metrics": {"n": 1}});
        let answer = within(other.put("/events", &patch)).await;
        all.push((answer.status, started.elapsed()));
    }
    let started = Instant::now();
    server.mint(Level::ReadOnly, "all").await;
    println!(
        "owners {longest:?} {status}, patches {all:?}, minted in {:?}",
        started.elapsed()
    );
    floods.shutdown().await;
    assert!(
        all.iter()
            .all(|(status, took)| *status == 200 && *took < SOON),
        "{all:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "measures time or memory: run it with `--run-ignored only`"]
async fn pipelined_requests_leave_time_to_other_connections() {
    let server = TestServer::start_on_threads().await;
    let attacker = server.key(Level::ReadOnly, "all").await;
    let other = server.key(Level::ReadOnly, "all").await;
    let mut floods = JoinSet::new();
    for _ in 0..8 {
        let attacker = attacker.clone();
        floods.spawn(async move {
            let many = attacker.head("GET", WHOAMI, &[]).repeat(2000);
            loop {
                let mut connection = attacker.connect().await;
                connection.write(&many).await;
                for _ in 0..2000 {
                    if connection.answer_if_any().await.is_none() {
                        break;
                    }
                }
            }
        });
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    let all = latencies(50, &other, WHOAMI).await;
    println!("{:?}", &all[45..]);
    floods.shutdown().await;
    assert!(all[49].0 < SOON, "{:?}", all[49]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "measures time or memory: run it with `--run-ignored only`"]
async fn lists_of_very_many_keys_delay_no_other_administration() {
    let server = TestServer::start_on_threads().await;
    server.project("mine").await;
    let mine = server.key(Level::Admin, json!(["mine"])).await;
    database(&server)
        .execute_batch(
            "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 100000)
             INSERT INTO api_keys (id, digest, pepper, name, shown, level, all_projects, owner, created, family)
             SELECT 'k' || x, randomblob(32), 1, 'n', 's', 'read_only', 1, (SELECT min(name) FROM owners), 1, x FROM n;",
        )
        .unwrap();
    let mut floods = JoinSet::new();
    for _ in 0..64 {
        let mine = mine.clone();
        floods.spawn(async move {
            loop {
                let _response = mine.get("/v1/api_keys?limit=1000&ended=true").await;
            }
        });
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    let all = latencies(3, &server.admin(), "/v1/owners").await;
    let started = Instant::now();
    let (id, key) = server.mint(Level::ReadOnly, "all").await;
    server.client(&key).get(WHOAMI).await.ok();
    server
        .admin()
        .delete(&format!("/v1/api_keys/{id}"))
        .await
        .ok();
    println!(
        "owners {all:?}; minted, used, revoked in {:?}",
        started.elapsed()
    );
    floods.shutdown().await;
    assert!(
        all.iter()
            .all(|(took, status)| *status == 200 && *took < SOON),
        "{all:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "measures time or memory: run it with `--run-ignored only`"]
async fn sent_sessions_that_are_returned_count_until_they_are_rendered() {
    let server = TestServer::start_on_threads().await;
    let large = server.key(Level::IngestOnly, "all").await;
    let other = server.key(Level::IngestOnly, "all").await;
    let session = |body: &Value, count: usize| {
        let values = vec![body.clone(); count];
        json!({"session": {"inputs": {"values": values}}}).to_string()
    };
    // The first is about the largest that is accepted.
    let bodies = [
        (large, session(&json!({"": 0}), 50_000), 32),
        (other, session(&json!({}), 30_000), 200),
    ];
    let before = used();
    let mut starts = JoinSet::new();
    for (client, body, count) in bodies {
        for _ in 0..count {
            let (client, body) = (client.clone(), body.clone());
            starts.spawn(async move {
                loop {
                    let _response = client
                        .send("POST", "/session/start", &[JSON], body.as_bytes())
                        .await;
                }
            });
        }
    }
    tokio::time::sleep(Duration::from_secs(20)).await;
    let more = used() - before;
    println!("{more} MiB more");
    starts.shutdown().await;
    assert!(more < 300, "{more} MiB more");
}
