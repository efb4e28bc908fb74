//! Floods of read requests.

use std::time::{Duration, Instant};

use hh_auth::Level;
use serde_json::json;
use tokio::task::JoinSet;
use uuid::Uuid;

use super::load::{
    EXPORT, SOON, WHOAMI, ask, database, large_sessions, latencies, slow_down, start,
};
use super::support::{JSON, TestServer, within};
use super::{MIB, figures, slow_client};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reads_that_wait_for_memory_leave_connections_to_others() {
    let server = TestServer::start_on_threads().await;
    let reader = server.key(Level::ReadOnly, "all").await;
    let (id, _) = server.mint(Level::ReadWrite, "all").await;
    let text = json!({"source": "test", "inputs": {"text": "x".repeat(6 * MIB)}});
    large_sessions(&server, 2, &text);
    // Four unread pages use the whole memory share of the key.
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
    let (waiting_for, opened) = (waiting.len(), started.elapsed());
    let started = Instant::now();
    let admin = server.admin();
    let answer = within(admin.delete(&format!("/v1/api_keys/{id}"))).await;
    let took = started.elapsed();
    figures(format_args!(
        "{waiting_for} reads that wait for memory, opened in {opened:?}: a revocation takes {took:?} (limit {SOON:?})"
    ));
    answer.assert_ok();
    assert!(took < SOON, "the revocation took {took:?}");
    drop((held, waiting));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
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
        .assert_ok();
    let took = started.elapsed();
    figures(format_args!(
        "{gone} reads whose clients disconnected: a revocation takes {took:?} (limit {SOON:?})"
    ));
    assert!(took < SOON, "the revocation took {took:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
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
    // Sessions are in another table, so this read is fast.
    let filter = json!({"field": "event_type", "operator": "is", "value": "session"});
    let mut statuses = Vec::new();
    for _ in 0..5 {
        let started = Instant::now();
        let answer = within(third.post(EXPORT, &json!({"filters": [filter], "limit": 1}))).await;
        statuses.push((answer.status, started.elapsed()));
    }
    figures(format_args!(
        "64 endless reads of two keys at a time: five reads of another key, status and duration: {statuses:?} \
         (limit: all succeed)"
    ));
    readers.shutdown().await;
    assert!(
        statuses.iter().all(|(status, _)| *status == 200),
        "{statuses:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
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
    // Replaces 10 MiB/s of events: the written and checkpointed bytes are the same.
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
    figures(format_args!(
        "250 MiB are written while endless reads overlap: the write-ahead log has at most {} MiB (limit 128 MiB)",
        most / MIB as u64
    ));
    // The limit, plus the bytes written while the last query runs.
    assert!(most < 128 * MIB as u64, "{} MiB", most / MIB as u64);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
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
    figures(format_args!(
        "8 connections with 2,000 pipelined requests each: the longest of 50 requests of another key takes {:?} \
         (limit {SOON:?}), the median {:?}",
        all[49].0, all[25].0
    ));
    floods.shutdown().await;
    assert!(all[49].0 < SOON, "{:?}", all[49]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
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
    server.client(&key).get(WHOAMI).await.assert_ok();
    server
        .admin()
        .delete(&format!("/v1/api_keys/{id}"))
        .await
        .assert_ok();
    figures(format_args!(
        "64 lists of 100,000 keys at a time: a list of owners takes {:?} (limit {SOON:?}); a key was created, used and \
         revoked in {:?}",
        all[2].0,
        started.elapsed()
    ));
    floods.shutdown().await;
    assert!(
        all.iter()
            .all(|(took, status)| *status == 200 && *took < SOON),
        "{all:?}"
    );
}

/// Two keys that read pages at twice the minimum rate use all memory for responses.
#[tokio::test]
async fn slow_readers_with_two_keys_do_not_block_the_reads_of_others() {
    let server = TestServer::start_on_threads().await;
    let admin = server.admin();
    for number in 1..=7 {
        slow_client::store(&admin, number, 1100 * 1024).await;
    }
    let other = server.key(Level::ReadOnly, "all").await;
    let mut reading = JoinSet::new();
    for _ in 0..2 {
        let slow = server.key(Level::ReadOnly, "all").await;
        for _ in 0..4 {
            let slow = slow.clone();
            reading.spawn(async move {
                let stream = slow_client::request(&slow).await;
                slow_client::read_at(&stream, 40 * 1024, usize::MAX)
                    .await
                    .len()
            });
        }
    }
    tokio::time::sleep(Duration::from_secs(3)).await;
    let (mut refused, mut times) = (0, Vec::new());
    for _ in 0..2 {
        let begin = Instant::now();
        let one = json!({"limit": 1, "filters": []});
        let status = other.post("/v1/events/export", &one).await.status;
        times.push(begin.elapsed());
        refused += u32::from(status != 200);
    }
    figures(format_args!(
        "{} readers at 40 KiB/s with two keys: {refused} of 2 reads of another key were rejected (limit 0), after {times:?}",
        reading.len()
    ));
    reading.shutdown().await;
    assert_eq!(refused, 0);
}

/// Reading sessions at a start must not delay the expiry and revocation of keys.
#[tokio::test]
async fn starts_of_a_large_stored_session_do_not_delay_a_revocation() {
    let server = TestServer::start_on_threads().await;
    let writer = server.key(Level::ReadWrite, "all").await;
    let session = Uuid::new_v4().to_string();
    let sent = json!({"session_id": session, "inputs": {"filler": "x".repeat(15 * MIB)}});
    start(&writer, &sent).await.assert_ok();
    let (id, _) = server.mint(Level::IngestOnly, "all").await;
    let begin = Instant::now();
    server
        .admin()
        .get(&format!("/v1/api_keys/{id}"))
        .await
        .assert_ok();
    let alone = begin.elapsed();

    let mut open = Vec::new();
    let body = json!({"session": {"session_id": session}}).to_string();
    for _ in 0..60 {
        let mut connection = writer.connect().await;
        let length = body.len().to_string();
        let mut bytes = writer.head(
            "POST",
            "/session/start",
            &[JSON, ("content-length", &length)],
        );
        bytes.extend_from_slice(body.as_bytes());
        connection.write(&bytes).await;
        open.push(connection);
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    let begin = Instant::now();
    let answer = server.admin().delete(&format!("/v1/api_keys/{id}")).await;
    let waited = begin.elapsed();
    figures(format_args!(
        "60 starts of a session of 15 MiB: a revocation takes {waited:?} (limit 1 s); a request for one key alone takes {alone:?}"
    ));
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(waited < Duration::from_secs(1), "{waited:?}");
}
