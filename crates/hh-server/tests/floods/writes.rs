//! Floods of write requests.

use std::time::{Duration, Instant};

use hh_auth::Level;
use opentelemetry_proto::tonic::trace::v1::Span;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use uuid::Uuid;

use super::load::{SOON, WHOAMI, latencies, start};
use super::spans::{SESSION, encode, in_session, label, span};
use super::support::{Connection, JSON, PROTOBUF, TRACES, TestServer, within};
use super::{MIB, figures};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
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
    let whoami = latencies(3, &other, WHOAMI).await;
    figures(format_args!(
        "256 starts of sessions of 30,000 values at a time: starts of another key, status and duration: {all:?} \
         (limit 1 s); whoami takes {:?}",
        whoami[2].0
    ));
    floods.shutdown().await;
    assert!(
        all.iter()
            .all(|(status, took)| *status == 200 && *took < SOON / 3),
        "{all:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
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
        key.post("/session/start", &session).await.assert_ok();
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
    figures(format_args!(
        "256 patches of a session of 900 KB at a time: patches of another key, status and duration: {all:?} (limit \
         {SOON:?}); a list of owners takes {longest:?} ({status}), a key was created in {:?}",
        started.elapsed()
    ));
    floods.shutdown().await;
    assert!(
        all.iter()
            .all(|(status, took)| *status == 200 && *took < SOON),
        "{all:?}"
    );
}

/// Each run of spans of one session rewrites its row, including the body.
#[tokio::test]
async fn spans_of_two_large_sessions_in_turns_do_not_stall_the_writer() {
    let server = TestServer::start_on_threads().await;
    let hostile = server.key(Level::IngestOnly, "all").await;
    let sessions = [Uuid::new_v4().to_string(), Uuid::new_v4().to_string()];
    for session in &sessions {
        let sent = json!({"session_id": session, "inputs": {"filler": "x".repeat(15 * MIB)}});
        start(&hostile, &sent).await.assert_ok();
    }
    let other = server.key(Level::IngestOnly, "all").await;
    let one = encode(vec![in_session(1, &Uuid::new_v4().to_string())]);
    let begin = Instant::now();
    other.export(&one).await.assert_ok_empty();
    let (alone, mut all) = (begin.elapsed(), Vec::new());

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
        let attack = tokio::spawn(async move { sender.export(&body).await.status });
        tokio::time::sleep(Duration::from_millis(100)).await;
        let begin = Instant::now();
        other.export(&one).await.assert_ok_empty();
        let waited = begin.elapsed();
        let status = within(attack).await.unwrap();
        all.push((alternate, status, waited));
    }
    figures(format_args!(
        "200 spans of sessions of 15 MiB (in turns, status, and how long another export waited): {all:?} (limit 1 s); \
         {alone:?} alone"
    ));
    assert!(
        all.iter()
            .all(|(.., waited)| *waited < Duration::from_secs(1)),
        "{all:?}"
    );
}

/// Two keys use all memory for bodies with many requests that each look small.
#[tokio::test]
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
        // Uses the rest of the key's share.
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
    }
    let other = server.key(Level::IngestOnly, "all").await;
    let one = encode(vec![in_session(1, &Uuid::new_v4().to_string())]);
    let mut refused = 0;
    for _ in 0..20 {
        let answer = other.export(&one).await;
        refused += u32::from(answer.status != 200);
    }
    figures(format_args!(
        "{} slow bodies of two keys: {refused} of 20 ordinary exports of another key were rejected (limit 0)",
        open.len()
    ));
    assert_eq!(refused, 0);
}

/// The server processes large requests in their order of arrival, for all keys.
#[tokio::test]
async fn large_bodies_of_one_key_do_not_delay_the_sessions_of_others() {
    let server = TestServer::start_on_threads().await;
    let hostile = server.key(Level::IngestOnly, "all").await;
    let other = server.key(Level::IngestOnly, "all").await;
    let begin = Instant::now();
    start(&other, &json!({})).await.assert_ok();
    let alone = begin.elapsed();
    // One span with 70 KiB of attributes, many at a time.
    let names = (0..9000).map(|at| label(&format!("honeyhive_outputs.{at}.a"), "v"));
    let body: std::sync::Arc<[u8]> = encode(vec![span(1, None, names.collect())]).into();
    let mut attack = JoinSet::new();
    for _ in 0..100 {
        let (sender, body) = (hostile.clone(), body.clone());
        attack.spawn(async move { sender.export(&body).await.status });
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    let begin = Instant::now();
    start(&other, &json!({})).await.assert_ok();
    let waited = begin.elapsed();
    let mut statuses = attack.join_all().await;
    statuses.sort_unstable();
    let stored = statuses.iter().filter(|status| **status == 200).count();
    figures(format_args!(
        "100 exports of 9,000 dotted names at a time ({stored} were stored): a start of another key takes {waited:?} \
         (limit 1 s), {alone:?} alone"
    ));
    assert!(waited < Duration::from_secs(1), "{waited:?}");
}

/// Merges of large bodies run in their order of arrival, for all keys.
#[tokio::test]
async fn patches_of_a_large_session_do_not_delay_large_patches_of_others() {
    let server = TestServer::start_on_threads().await;
    let hostile = server.key(Level::IngestOnly, "all").await;
    let other = server.key(Level::IngestOnly, "all").await;
    let [large, ordinary] = [Uuid::new_v4().to_string(), Uuid::new_v4().to_string()];
    start(&hostile, &json!({"session_id": large}))
        .await
        .assert_ok();
    let inputs = json!({"prompt": "x".repeat(100 * 1024)});
    start(&other, &json!({"session_id": ordinary, "inputs": inputs}))
        .await
        .assert_ok();
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
    other.put("/events", &patch).await.assert_ok();
    let alone = begin.elapsed();
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
    let stored = statuses.iter().filter(|status| **status == 200).count();
    figures(format_args!(
        "50 patches of a session of 360,000 values at a time ({stored} were stored): a patch of a session of 100 KiB of \
         another key takes {waited:?} (limit 1 s), status {status}; {alone:?} alone"
    ));
    assert!(
        status == 200 && waited < Duration::from_secs(1),
        "{status} after {waited:?}"
    );
}

/// New sessions of 15 MiB, one after another.
#[tokio::test]
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
        other.export(&one).await.assert_ok_empty();
        times.push(begin.elapsed());
    }
    times.sort_unstable();
    let statuses = attack.join_all().await.concat();
    let stored = statuses.iter().filter(|status| **status == 200).count();
    let (median, slowest) = (times[times.len() / 2], times[times.len() - 1]);
    figures(format_args!(
        "4 starts of sessions of 15 MiB at a time ({stored} of {} were stored): exports of another key take at most \
         {slowest:?} (limit 1 s), {median:?} in the median",
        statuses.len()
    ));
    assert!(slowest < Duration::from_secs(1), "{slowest:?}");
}

/// Each span creates a session: the maximum number of rows that one export can write.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn exports_of_very_many_sessions_do_not_delay_key_changes() {
    let server = TestServer::start_on_threads().await;
    let hostile = server.key(Level::IngestOnly, "all").await;
    let stop = Instant::now() + Duration::from_secs(10);
    let mut attack = JoinSet::new();
    for _ in 0..2 {
        let hostile = hostile.clone();
        attack.spawn(async move {
            let mut stored = 0;
            while Instant::now() < stop {
                let spans = (0..30_000).map(|_| Span {
                    trace_id: Uuid::new_v4().as_bytes().to_vec(),
                    ..span(1, None, Vec::new())
                });
                let body = encode(spans.collect());
                stored += usize::from(hostile.export(&body).await.status == 200);
            }
            stored
        });
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    let mut times = Vec::new();
    while Instant::now() < stop {
        let begin = Instant::now();
        let (id, _) = server.mint(Level::ReadOnly, "all").await;
        let path = format!("/v1/api_keys/{id}");
        server.admin().delete(&path).await.assert_ok();
        times.push(begin.elapsed());
    }
    times.sort_unstable();
    let stored: usize = attack.join_all().await.into_iter().sum();
    let (median, slowest) = (times[times.len() / 2], times[times.len() - 1]);
    figures(format_args!(
        "2 exports of 30,000 sessions at a time ({stored} were stored): a key is created and revoked in at most \
         {slowest:?} (limit {SOON:?}), {median:?} in the median"
    ));
    assert!(slowest < SOON, "{slowest:?}");
}
