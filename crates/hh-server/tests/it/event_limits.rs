//! Tests limits of names, start times and dotted attribute names of events.

use opentelemetry_proto::tonic::trace::v1::Span;
use serde_json::{Value, json};

use crate::spans::{BASE, SESSION, encode, in_session, label, span};
use crate::support::{Client, TestServer};

async fn exported(client: &Client, span: Span) -> Value {
    client.export(&encode(vec![span])).await.assert_ok_empty();
    let filters =
        json!([{"field": "event_type", "operator": "is", "value": "tool", "type": "string"}]);
    let list = client.events(&json!({"filters": filters})).await;
    list["events"][0].clone()
}

#[tokio::test]
async fn a_long_name_is_truncated_to_1_kib_and_ends_with_an_ellipsis() {
    let server = TestServer::start().await;
    let admin = server.admin();
    let long = "né".repeat(1_000_000);
    let names = [
        Span {
            name: long.clone(),
            ..span(1, None, vec![label("honeyhive.session_name", &long)])
        },
        span(
            2,
            None,
            vec![
                label("honeyhive_event_name", &long),
                label("honeyhive.session_id", SESSION),
            ],
        ),
    ];
    admin
        .export(&encode(names.to_vec()))
        .await
        .assert_ok_empty();
    let list = admin.events(&json!({})).await;
    let events = list["events"].as_array().unwrap();
    let names: Vec<_> = events
        .iter()
        .map(|event| event["event_name"].as_str().unwrap())
        .filter(|name| *name != "unknown")
        .collect();
    assert_eq!(names.len(), 3, "two spans and their session");
    for name in names {
        let kept = name.strip_suffix('…').unwrap();
        assert!(long.starts_with(kept), "{kept}");
        assert!((1021..=1024).contains(&name.len()), "{}", name.len());
    }
}

#[tokio::test]
async fn a_name_of_1_kib_is_kept() {
    let server = TestServer::start().await;
    let name = "n".repeat(1024);
    let named = Span {
        name: name.clone(),
        ..in_session(1, SESSION)
    };
    let event = exported(&server.admin(), named).await;
    assert_eq!(event["event_name"], name);
}

#[tokio::test]
async fn a_span_that_starts_more_than_a_day_in_the_future_starts_when_it_arrives() {
    const YEAR_2262: u64 = 9_214_646_400_000_000_000;

    let server = TestServer::start().await;
    let now = jiff::Timestamp::now().as_nanosecond();
    let now = u64::try_from(now).unwrap();
    let hour = 3_600_000_000_000;
    for (number, start, is_kept) in [
        (1, BASE, true),
        (2, now + hour, true),
        (3, now + 25 * hour, false),
        (4, YEAR_2262, false),
        (5, u64::MAX, false),
    ] {
        let late = Span {
            start_time_unix_nano: start,
            end_time_unix_nano: start.saturating_add(5_000_000),
            ..in_session(number, SESSION)
        };
        let before = jiff::Timestamp::now().as_millisecond();
        let admin = server.admin();
        admin.export(&encode(vec![late])).await.assert_ok_empty();
        let after = jiff::Timestamp::now().as_millisecond();
        let events = admin.events(&json!({})).await;
        let name = format!("span {number}");
        let events = events["events"].as_array().unwrap();
        let event = events.iter().find(|e| e["event_name"] == *name).unwrap();
        let shown = event["start_time"].as_f64().unwrap();
        let original = &event["metadata"]["original_start_time"];
        #[expect(clippy::cast_precision_loss, reason = "milliseconds of this century")]
        if is_kept {
            assert!((shown - start as f64 / 1e6).abs() < 0.01, "{number}");
            assert!(original.is_null(), "{number}: {original}");
        } else {
            let arrived = before as f64..=(after + 1) as f64;
            assert!(arrived.contains(&shown), "{number}: {shown}");
            let start = start.min(i64::MAX.unsigned_abs()) / 1_000_000;
            assert_eq!(*original, start, "{number}");
            let end = event["end_time"].as_f64().unwrap();
            assert!((end - shown).abs() < 5.1, "the duration changed");
        }
    }
}

/// Returns a span with attributes whose names have a number of parts each.
fn dotted(number: u8, attributes: usize, parts: usize) -> Span {
    let tail = ".a".repeat(parts - 1);
    let names = (0..attributes).map(|at| label(&format!("honeyhive_outputs.{at}{tail}"), "v"));
    span(number, None, names.collect())
}

#[tokio::test]
async fn dotted_names_that_would_create_too_many_objects_are_rejected_before_they_do() {
    let server = TestServer::start().await;
    let admin = server.admin();
    // A name of 32 parts creates 31 objects, and the limit is 10,000 objects.
    for (attributes, parts, is_stored) in [
        (322, 32, true),
        (323, 32, false),
        (10_000, 2, true),
        (10_001, 2, false),
        (45_000, 32, false),
        // All further dots belong to the last part.
        (322, 100, true),
    ] {
        let number = 1;
        let response = admin
            .export(&encode(vec![dotted(number, attributes, parts)]))
            .await;
        if is_stored {
            response.assert_ok_empty();
        } else {
            let message = response.assert_rejected(1);
            assert!(message.contains("10000 objects"), "{message}");
        }
    }
}

#[tokio::test]
async fn dotted_names_that_share_objects_count_them_once() {
    let server = TestServer::start().await;
    let messages = (0..4_000).flat_map(|at| {
        ["role", "content", "name"]
            .map(|member| label(&format!("honeyhive_inputs.messages.{at}.{member}"), "v"))
    });
    let chat = span(1, None, messages.collect());
    let event = exported(&server.admin(), chat).await;
    assert_eq!(event["inputs"]["messages"].as_array().unwrap().len(), 4_000);
}

#[tokio::test]
async fn a_session_that_starts_more_than_a_day_in_the_future_starts_when_it_arrives() {
    const YEAR_2262: u64 = 9_214_646_400_000;

    let server = TestServer::start().await;
    let admin = server.admin();
    let session = json!({"session": {
        "session_name": "n".repeat(2_000_000),
        "start_time": YEAR_2262,
        "metadata": {"kept": 1},
    }});
    let before = jiff::Timestamp::now().as_millisecond();
    let started = admin.post("/session/start", &session).await.assert_ok();
    let after = jiff::Timestamp::now().as_millisecond();
    let list = admin.events(&json!({})).await;
    for event in [&started, &list["events"][0]] {
        let shown = event["start_time"].as_f64().unwrap();
        #[expect(clippy::cast_precision_loss, reason = "milliseconds of this century")]
        let arrived = before as f64..=(after + 1) as f64;
        assert!(arrived.contains(&shown), "{shown}");
        assert_eq!(event["metadata"]["original_start_time"], YEAR_2262);
        assert_eq!(event["metadata"]["kept"], 1);
        assert_eq!(event["event_name"].as_str().unwrap().len(), 1024);
    }
}
