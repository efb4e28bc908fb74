//! Several attacks on memory at one time: dotted names, long names, announced bodies and slow readers of large pages.
//!
//! A program of its own with one test, since the figures are the process's.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking, and its figures are printed"
)]

#[path = "../memory/measure.rs"]
mod measure;
#[expect(dead_code, reason = "the other test program uses the rest")]
#[path = "../memory/slow.rs"]
mod slow;
#[path = "../it/spans.rs"]
mod spans;
#[expect(dead_code, reason = "the other test program uses the rest")]
#[path = "../it/support.rs"]
mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use hh_auth::Level;
use opentelemetry_proto::tonic::trace::v1::Span;
use tokio::task::JoinSet;

use measure::{MIB, dotted_names, gzip, memory, reset_peak};
use slow::{read_slowly, store_page};
use spans::{SESSION, encode, in_session, span};
use support::{Client, PROTOBUF, TRACES, TestServer, within};

const ATTACK: Duration = Duration::from_secs(20);
/// The most that the whole process may have in use, in MiB, this test's own buffers included.
const LIMIT: usize = 300;

/// Sends the same export until the end; whatever the response is, the server must stay within its limits.
async fn send_again(client: Client, body: Arc<Vec<u8>>, end: Instant, sent: Arc<AtomicUsize>) {
    let headers = [PROTOBUF, ("content-encoding", "gzip")];
    while Instant::now() < end {
        let response = client.send("POST", TRACES, &headers, &body).await;
        assert!(
            [200, 413, 503].contains(&response.status),
            "{}",
            response.status
        );
        sent.fetch_add(1, Ordering::Relaxed);
    }
}

/// Announces bodies that do not arrive, again when the server has given up on them.
async fn announce(client: Client, end: Instant) {
    let length = (16 * MIB).to_string();
    let head = client.head("POST", TRACES, &[PROTOBUF, ("content-length", &length)]);
    while Instant::now() < end {
        let mut connection = client.connect().await;
        connection.write(&head).await;
        connection.write(b"x").await;
        drop(tokio::time::timeout_at(end.into(), connection.closed()).await);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn attacks_at_one_time_cost_less_than_300_mib_and_others_are_served() {
    let server = TestServer::start_on_threads().await;
    store_page(&server.admin()).await;
    let ingest = server.key(Level::IngestOnly, "all").await;
    let other_ingest = server.key(Level::IngestOnly, "all").await;
    let other = server.key(Level::ReadWrite, "all").await;
    let mut readers = Vec::new();
    for _ in 0..5 {
        readers.push(server.key(Level::ReadOnly, "all").await);
    }
    let dotted = encode(vec![dotted_names("honeyhive_outputs.", 45_000)]);
    let dotted = Arc::new(gzip(&dotted));
    let long = "n".repeat(2 * MIB);
    let named = (0..7).map(|number| Span {
        name: long.clone(),
        ..span(number, None, Vec::new())
    });
    let named = Arc::new(gzip(&encode(named.collect())));
    let small = encode(vec![in_session(100, SESSION)]);
    reset_peak();
    let end = Instant::now() + ATTACK;
    let sent = Arc::new(AtomicUsize::new(0));
    let mut attack = JoinSet::new();
    for body in [&dotted, &named] {
        for client in [&ingest, &other_ingest] {
            for _ in 0..4 {
                let (client, body, sent) = (client.clone(), Arc::clone(body), Arc::clone(&sent));
                attack.spawn(send_again(client, body, end, sent));
            }
        }
    }
    for _ in 0..200 {
        attack.spawn(announce(ingest.clone(), end));
    }
    for number in 0..50 {
        let client = readers[number % readers.len()].clone();
        attack.spawn(async move {
            read_slowly(client, end).await;
        });
    }
    let mut rounds = 0;
    while Instant::now() < end {
        other.get("/v1/auth/whoami").await.assert_ok();
        other.export(&small).await.assert_ok_empty();
        rounds += 1;
    }
    within(attack.join_all()).await;
    let peak = memory("VmHWM:") / 1024;
    println!(
        "dotted and long names ({} exports), 200 announced bodies and 50 slow readers at one time: peak {peak} MiB, \
         {rounds} rounds of others were served",
        sent.load(Ordering::Relaxed)
    );
    assert!(sent.load(Ordering::Relaxed) > 20);
    assert!(rounds > 10);
    assert!(peak < LIMIT, "the peak was {peak} MiB");
    server.stop().await;
}
