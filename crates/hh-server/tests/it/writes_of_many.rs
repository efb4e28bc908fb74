//! Variants of items 4, 5 and 8: one key that delays others.

use std::time::{Duration, Instant};

use hh_auth::Level;
use opentelemetry_proto::tonic::trace::v1::Span;
use serde_json::json;
use tokio::task::JoinSet;
use uuid::Uuid;

use super::families::start;
use super::slow_readers;
use super::spans::{SESSION, encode, in_session, label, span};
use super::support::{Connection, JSON, PROTOBUF, TRACES, TestServer, within};

const MIB: usize = 1024 * 1024;

/// Each run of spans of one session writes its row again, with the body in it.
#[tokio::test]
#[ignore = "measures time or memory: run it with `--run-ignored only`"]
async fn spans_of_two_large_sessions_in_turns_do_not_stall_the_writer() {
    let server = TestServer::start_on_threads().await;
    let hostile = server.key(Level::IngestOnly, "all").await;
    let sessions = [Uuid::new_v4().to_string(), Uuid::new_v4().to_string()];
    for session in &sessions {
        let sent = json!({"session_id": session, "inputs": {"filler": "x".repeat(15 * MIB)}});
        start(&hostile, &sent).await.ok();
    }
    let other = server.key(Level::IngestOnly, "all").await;
    let one = encode(vec![in_session(1, &Uuid::new_v4().to_string())]);
    let begin = Instant::now();
    other.export(&one).await.ok_empty();
    println!("alone: {:?}", begin.elapsed());

    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let mut now = u64::try_from(now.unwrap().as_nanos()).unwrap() + 1_000_000_000;
    let spans = |now: u64, count: u64, alternate: bool| {
        let spans = (0..count).map(|number| {
            let at = usize::from(alternate && number % 2 == 1);
            let time = now + 1_000_000 * number;
            Span {
                trace_id: Uuid::new_v4().as_bytes().to_vec(),
                span_id: number.to_be_bytes().to_vec(),
                start_time_unix_nano: time,
                end_time_unix_nano: time + 1,
                ..span(1, None, vec![label("honeyhive.session_id", &sessions[at])])
            }
        });
        encode(spans.collect())
    };
    for (count, alternate) in [(200, false), (200, true)] {
        now += 1_000_000_000;
        let body = spans(now, count, alternate);
        let sender = hostile.clone();
        println!("{} bytes", body.len());
        let attack = tokio::spawn(async move { sender.export(&body).await.status });
        tokio::time::sleep(Duration::from_millis(100)).await;
        let begin = Instant::now();
        other.export(&one).await.ok_empty();
        let waited = begin.elapsed();
        let status = within(attack).await.unwrap();
        println!(
            "{count} spans, in turns: {alternate}, status {status}: another export waited {waited:?}"
        );
        assert!(waited < Duration::from_secs(1), "{waited:?}");
    }
}

/// What is read of sessions for a start must not delay the end of keys.
#[tokio::test]
#[ignore = "measures time or memory: run it with `--run-ignored only`"]
async fn starts_of_a_large_stored_session_do_not_delay_a_revocation() {
    let server = TestServer::start_on_threads().await;
    let writer = server.key(Level::ReadWrite, "all").await;
    let session = Uuid::new_v4().to_string();
    let sent = json!({"session_id": session, "inputs": {"filler": "x".repeat(15 * MIB)}});
    start(&writer, &sent).await.ok();
    let (id, _) = server.mint(Level::IngestOnly, "all").await;
    let begin = Instant::now();
    server.admin().get(&format!("/v1/api_keys/{id}")).await.ok();
    println!("a look at a key alone: {:?}", begin.elapsed());

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
    println!("a revocation answered {} after {waited:?}", answer.status);
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(waited < Duration::from_secs(1), "{waited:?}");
}

/// Two keys hold all memory for bodies with many requests that each look small.
#[tokio::test]
#[ignore = "measures time or memory: run it with `--run-ignored only`"]
async fn two_keys_with_slow_bodies_do_not_block_the_bodies_of_others() {
    let server = TestServer::start_on_threads().await;
    let mut open: Vec<Connection> = Vec::new();
    for _ in 0..2 {
        let key = server.key(Level::IngestOnly, "all").await;
        for _ in 0..180 {
            let mut connection = key.connect().await;
            let length = (250 * 1024).to_string();
            let mut bytes = key.head("POST", TRACES, &[PROTOBUF, ("content-length", &length)]);
            bytes.extend(vec![0_u8; 200 * 1024]);
            connection.write(&bytes).await;
            open.push(connection);
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
        // What is left of its share.
        while key.export(b"").await.status == 200 && open.len() < 1500 {
            let mut connection = key.connect().await;
            let bytes = key.head("POST", TRACES, &[PROTOBUF, ("content-length", "1000")]);
            connection.write(&bytes).await;
            open.push(connection);
            let small = key.export(&encode(vec![in_session(1, SESSION)])).await;
            if small.status != 200 {
                break;
            }
        }
        open.retain(Connection::is_open);
        println!("{} connections are open", open.len());
    }
    let other = server.key(Level::IngestOnly, "all").await;
    let one = encode(vec![in_session(1, &Uuid::new_v4().to_string())]);
    let mut refused = 0;
    for _ in 0..20 {
        let answer = other.export(&one).await;
        refused += u32::from(answer.status != 200);
    }
    println!("{refused} of 20 ordinary exports of another key were refused");
    assert_eq!(refused, 0);
}

/// Large work is done in the order in which it comes, whoever's it is.
#[tokio::test]
#[ignore = "measures time or memory: run it with `--run-ignored only`"]
async fn large_bodies_of_one_key_do_not_delay_the_sessions_of_others() {
    let server = TestServer::start_on_threads().await;
    let hostile = server.key(Level::IngestOnly, "all").await;
    let other = server.key(Level::IngestOnly, "all").await;
    let begin = Instant::now();
    start(&other, &json!({})).await.ok();
    println!("alone: {:?}", begin.elapsed());
    // One span with 70 KiB of attributes, many at a time.
    let names = (0..9000).map(|at| label(&format!("honeyhive_outputs.{at}.a"), "v"));
    let body: std::sync::Arc<[u8]> = encode(vec![span(1, None, names.collect())]).into();
    println!("{} bytes", body.len());
    let mut attack = JoinSet::new();
    for _ in 0..100 {
        let (sender, body) = (hostile.clone(), body.clone());
        attack.spawn(async move { sender.export(&body).await.status });
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    let begin = Instant::now();
    start(&other, &json!({})).await.ok();
    let waited = begin.elapsed();
    let mut statuses = attack.join_all().await;
    statuses.sort_unstable();
    println!("a start of a session waited {waited:?}; {statuses:?}");
    assert!(waited < Duration::from_secs(1), "{waited:?}");
}

/// Merges of large bodies take turns in the order in which they come, whoever's they are.
#[tokio::test]
#[ignore = "measures time or memory: run it with `--run-ignored only`"]
async fn patches_of_a_large_session_do_not_delay_large_patches_of_others() {
    let server = TestServer::start_on_threads().await;
    let hostile = server.key(Level::IngestOnly, "all").await;
    let other = server.key(Level::IngestOnly, "all").await;
    let [large, ordinary] = [Uuid::new_v4().to_string(), Uuid::new_v4().to_string()];
    start(&hostile, &json!({"session_id": large})).await.ok();
    let inputs = json!({"prompt": "x".repeat(100 * 1024)});
    start(&other, &json!({"session_id": ordinary, "inputs": inputs}))
        .await
        .ok();
    let numbers = format!("[{}0]", "0,".repeat(120_000));
    for name in ["a", "b", "c"] {
        let body = format!("{{\"event_id\":\"{large}\",\"metadata\":{{\"{name}\":{numbers}}}}}");
        let answer = hostile
            .send("PUT", "/events", &[JSON], body.as_bytes())
            .await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    let patch = json!({"event_id": ordinary, "metrics": {"m": 1}});
    let begin = Instant::now();
    other.put("/events", &patch).await.ok();
    println!("alone: {:?}", begin.elapsed());
    let mut attack = JoinSet::new();
    for number in 0..50 {
        let (hostile, patch) = (
            hostile.clone(),
            json!({"event_id": large, "metrics": {"m": number}}),
        );
        attack.spawn(async move { hostile.put("/events", &patch).await.status });
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    let begin = Instant::now();
    let status = other.put("/events", &patch).await.status;
    let waited = begin.elapsed();
    let mut statuses = attack.join_all().await;
    statuses.sort_unstable();
    println!("a patch waited {waited:?}, status {status}; {statuses:?}");
    assert!(
        status == 200 && waited < Duration::from_secs(1),
        "{status} after {waited:?}"
    );
}

/// Two keys that read pages at twice the minimum rate hold all memory for responses.
#[tokio::test]
#[ignore = "measures time or memory: run it with `--run-ignored only`"]
async fn slow_readers_with_two_keys_do_not_block_the_reads_of_others() {
    let server = TestServer::start_on_threads().await;
    let admin = server.admin();
    for number in 1..=7 {
        slow_readers::store(&admin, number, 1100 * 1024).await;
    }
    let other = server.key(Level::ReadOnly, "all").await;
    let mut reading = JoinSet::new();
    for _ in 0..2 {
        let slow = server.key(Level::ReadOnly, "all").await;
        for _ in 0..4 {
            let slow = slow.clone();
            reading.spawn(async move {
                let stream = slow_readers::request(&slow).await;
                slow_readers::read_at(&stream, 40 * 1024, usize::MAX)
                    .await
                    .len()
            });
        }
    }
    tokio::time::sleep(Duration::from_secs(3)).await;
    let mut refused = 0;
    for _ in 0..2 {
        let begin = Instant::now();
        let one = json!({"limit": 1, "filters": []});
        let status = other.post("/v1/events/export", &one).await.status;
        println!("a read of one event: {status} after {:?}", begin.elapsed());
        refused += u32::from(status != 200);
    }
    println!("{} readers go on", reading.len());
    reading.shutdown().await;
    assert_eq!(refused, 0);
}

/// New sessions of 15 MiB, one after another.
#[tokio::test]
#[ignore = "measures time or memory: run it with `--run-ignored only`"]
async fn starts_of_large_sessions_do_not_delay_the_exports_of_others() {
    let server = TestServer::start_on_threads().await;
    let hostile = server.key(Level::IngestOnly, "all").await;
    let other = server.key(Level::IngestOnly, "all").await;
    let sent = json!({"session": {"inputs": {"filler": "x".repeat(15 * MIB)}}}).to_string();
    let body: std::sync::Arc<str> = sent.into();
    let stop = Instant::now() + Duration::from_secs(5);
    let mut attack = JoinSet::new();
    for _ in 0..4 {
        let (hostile, body) = (hostile.clone(), body.clone());
        attack.spawn(async move {
            let mut statuses = Vec::new();
            while Instant::now() < stop {
                let answer = hostile
                    .send("POST", "/session/start", &[JSON], body.as_bytes())
                    .await;
                statuses.push(answer.status);
            }
            statuses
        });
    }
    let one = encode(vec![in_session(1, SESSION)]);
    let mut times = Vec::new();
    while Instant::now() < stop {
        let begin = Instant::now();
        other.export(&one).await.ok_empty();
        times.push(begin.elapsed());
    }
    times.sort_unstable();
    let statuses = attack.join_all().await.concat();
    let stored = statuses.iter().filter(|status| **status == 200).count();
    let (median, slowest) = (times[times.len() / 2], times[times.len() - 1]);
    println!(
        "{stored} of {} were stored; another export took {median:?}, at most {slowest:?}",
        statuses.len()
    );
    assert!(slowest < Duration::from_secs(1), "{slowest:?}");
}
