//! Deletions of many events while programs send spans.

use std::time::{Duration, Instant};

use hh_auth::Level;
use opentelemetry_proto::tonic::trace::v1::Span;
use rusqlite::Connection as Database;
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};
use uuid::Uuid;

use super::figures;
use super::load::{database, start};
use super::spans::{BASE, encode, in_session};
use super::support::{Client, TestServer, within};

const EVENTS: u64 = 100_000;
/// The time between two exports of one span.
const PACE: Duration = Duration::from_millis(5);

/// Exports spans with numbers after `number` at a constant rate until `is_over`, and returns the sorted durations of the
/// exports.
async fn exports(
    client: &Client,
    session: &str,
    mut number: u64,
    is_over: impl Fn() -> bool,
) -> Vec<Duration> {
    let mut ticks = interval(PACE);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut running = JoinSet::new();
    while !is_over() {
        ticks.tick().await;
        number += 1;
        let (client, body) = (client.clone(), encode(vec![numbered(number, session)]));
        running.spawn(async move {
            let begin = Instant::now();
            let answer = within(client.export(&body)).await;
            let took = begin.elapsed();
            answer.assert_ok_empty();
            took
        });
    }
    let mut durations = running.join_all().await;
    durations.sort();
    durations
}

/// Returns a span that is identified by its number, with one millisecond between the starts of two spans.
fn numbered(number: u64, session: &str) -> Span {
    let start = BASE + number * 1_000_000;
    Span {
        span_id: number.to_be_bytes().to_vec(),
        start_time_unix_nano: start,
        end_time_unix_nano: start + 1_000_000,
        ..in_session(1, session)
    }
}

/// Checks that the tables, the indexes and the counts contain one session with a number of events, and nothing else.
fn check_rows(store: &Database, events: i64) {
    let integrity: String = store
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(integrity, "ok");
    for (sql, expected) in [
        ("SELECT count(*) FROM events", events),
        ("SELECT count(*) FROM sessions", 1),
        ("SELECT count(*) FROM large_bodies", 0),
        ("SELECT sum(n) FROM rollup_totals WHERE kind > 0", events),
        ("SELECT sum(n) FROM rollup_totals WHERE kind = 0", 1),
        ("SELECT sum(n) FROM rollup_days WHERE kind > 0", events),
        ("SELECT sum(n) FROM rollup_days WHERE kind = 0", 1),
        ("SELECT sum(n) FROM rollup_hours WHERE kind > 0", events),
        ("SELECT sum(n) FROM rollup_hours WHERE kind = 0", 1),
    ] {
        let found: i64 = store.query_row(sql, [], |row| row.get(0)).unwrap();
        assert_eq!(found, expected, "{sql}");
    }
}

fn p99(durations: &[Duration]) -> Duration {
    durations[durations.len() * 99 / 100]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deletion_of_many_events_delays_no_export() {
    let server = TestServer::start_on_threads().await;
    let (admin, sender) = (server.admin(), server.key(Level::IngestOnly, "all").await);
    let [deleted, other] = [Uuid::new_v4().to_string(), Uuid::new_v4().to_string()];
    start(&admin, &json!({"session_id": deleted}))
        .await
        .assert_ok();
    for first in (0..EVENTS).step_by(1000) {
        let spans = (first + 1..=first + 1000).map(|number| numbered(number, &deleted));
        sender
            .export(&encode(spans.collect()))
            .await
            .assert_ok_empty();
    }
    let filter = json!({"field": "session_id", "operator": "is", "value": deleted});
    let wanted = json!({"filters": [filter], "limit": 1});
    let page = admin.events(&wanted).await;
    assert_eq!(page["count"], EVENTS + 1);
    let event = page["events"][0]["event_id"].as_str().unwrap().to_owned();
    let end = Instant::now() + Duration::from_secs(8);
    let usual = exports(&sender, &other, EVENTS, || Instant::now() >= end).await;

    let path = format!("/v1/sessions/{deleted}");
    let begin = Instant::now();
    let deletion = tokio::spawn(async move {
        let answer = within(admin.delete(&path)).await.assert_ok();
        (answer, begin.elapsed())
    });
    let store = database(&server);
    let is_complete = || {
        let sql = "SELECT count(*) FROM deleted_sessions";
        let marked: i64 = store.query_row(sql, [], |row| row.get(0)).unwrap();
        marked == 0 && begin.elapsed() > Duration::from_secs(1)
    };
    let during = exports(&sender, &other, 2 * EVENTS, is_complete).await;
    let took = begin.elapsed();
    let (answer, answered) = deletion.await.unwrap();
    figures(format_args!(
        "a session of {EVENTS} events was deleted in {took:?} while 200 spans arrived per second; the response arrived \
         after {answered:?}: {answer}; p99 of an export {:?} without deletion ({} exports), {:?} with it ({} exports)",
        p99(&usual),
        usual.len(),
        p99(&during),
        during.len(),
    ));
    let reader = server.admin();
    for path in [
        format!("/v1/sessions/{deleted}"),
        format!("/v1/events/{event}"),
    ] {
        assert_eq!(reader.get(&path).await.status, 404, "{path}");
    }
    let page = reader.events(&wanted).await;
    assert_eq!((&page["events"], &page["count"]), (&json!([]), &json!(0)));
    let sent = usual.len() + during.len();
    assert_eq!(reader.events(&json!({"limit": 1})).await["count"], sent + 1);
    check_rows(&store, sent.try_into().unwrap());
    assert!(
        p99(&during) <= p99(&usual) * 3,
        "{:?} {:?}",
        p99(&usual),
        p99(&during)
    );
}
