use std::collections::BTreeSet;

use hh_sdk::api::types::{CreateEvent, CreateSession, EventPatch, Filter, Object, Operator};
use hh_sdk::auth::Level;
use hh_sdk::{ErrorKind, EventKind, EventPages, EventQuery, HoneyHive};
use hh_testing::HttpServer;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{TestServer, empty_env};

/// The start time of the first event, in Unix milliseconds.
const START: f64 = 1_795_461_676_000.0;

fn event(number: u32) -> CreateEvent {
    let mut metadata = Object::new();
    metadata.insert("number".to_owned(), number.into());
    CreateEvent {
        // Three events each start at the same time, which is a fraction of a millisecond.
        start_time: Some(START + f64::from(number / 3) * 1.25),
        metadata,
        session_id: Some(Uuid::from_u128(1).to_string()),
        ..CreateEvent::new(EventKind::Tool, format!("event {number}"))
    }
}

async fn ids(mut pages: EventPages) -> Vec<Uuid> {
    let mut ids = Vec::new();
    while let Some(event) = pages.next().await.unwrap() {
        ids.push(event.event_id);
    }
    ids
}

async fn client(server: &TestServer) -> HoneyHive {
    server.client(&server.key(Level::ReadWrite, "default").await)
}

#[tokio::test]
async fn events_are_created_read_and_updated() {
    let server = TestServer::start().await;
    let client = client(&server).await;
    let session = client
        .sessions()
        .create(CreateSession {
            session_name: Some("one".to_owned()),
            duration: Some(250.0),
            ..CreateSession::default()
        })
        .await
        .unwrap();
    assert!((session.duration - 250.0).abs() < 0.001);
    let id = session.session_id.to_string();
    let child = CreateEvent {
        session_id: Some(id.clone()),
        ..CreateEvent::new(EventKind::Model, "chat")
    };
    let created = client.events().create(child.clone()).await.unwrap();
    client
        .sessions()
        .add_events(&id, vec![child.clone(), child])
        .await
        .unwrap();
    let patch = EventPatch {
        event_id: created,
        metadata: Some(event(7).metadata),
        ..EventPatch::default()
    };
    client.events().update(patch).await.unwrap();
    let stored = client.events().get(created).await.unwrap();
    assert_eq!(stored.metadata["number"], 7);
    assert_eq!(stored.parent_id, Some(session.session_id));
    assert_eq!(client.sessions().get(&id).await.unwrap().event_name, "one");
    let of_session = client.events().search(EventQuery::new().with_session(&id));
    assert_eq!(ids(of_session).await.len(), 4);
    // An event of the type `session` without ids is a new session.
    let new = CreateEvent::new(EventKind::Session, "two");
    let new = client.events().create(new).await.unwrap();
    let stored = client.sessions().get(&new.to_string()).await.unwrap();
    assert_eq!(
        (stored.session_id, stored.event_name.as_str()),
        (new, "two")
    );
    let error = client.events().get(Uuid::from_u128(9)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    let error = client
        .sessions()
        .get(&created.to_string())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn a_search_returns_every_event_once_while_others_are_created() {
    let server = TestServer::start().await;
    let client = client(&server).await;
    let batch = (0..25).map(event).collect();
    let created = client.events().create_batch(batch).await.unwrap();
    let created: BTreeSet<_> = created.into_iter().collect();
    assert_eq!(created.len(), 25);
    for size in [1, 2, 3, 7, 25, 1000] {
        let query = EventQuery::new()
            .with_kind(EventKind::Tool)
            .with_page_size(size);
        let mut pages = client.events().search(query);
        let mut found = Vec::new();
        while let Some(event) = pages.next().await.unwrap() {
            if found.len() % 5 == 2 {
                let later = CreateEvent {
                    start_time: Some(START + 10_000.0),
                    ..CreateEvent::new(EventKind::Tool, "later")
                };
                client.events().create(later).await.unwrap();
            }
            if event.event_name != "later" {
                found.push(event.event_id);
            }
        }
        assert_eq!(found.len(), 25, "{size}");
        assert_eq!(
            found.into_iter().collect::<BTreeSet<_>>(),
            created,
            "{size}"
        );
    }
}

#[tokio::test]
async fn conditions_of_a_search_are_combined() {
    let server = TestServer::start().await;
    let client = client(&server).await;
    let batch = (0..9).map(event).collect();
    client.events().create_batch(batch).await.unwrap();
    let failed = CreateEvent {
        error: Some("timeout".to_owned()),
        ..event(9)
    };
    client.events().create(failed).await.unwrap();
    let time = |millis: i64| jiff::Timestamp::from_millisecond(millis).unwrap();
    for (query, count) in [
        (EventQuery::new().with_error(), 1),
        (EventQuery::new().with_name("event 4"), 1),
        (EventQuery::new().with_since(time(1_795_461_676_002)), 4),
        (
            EventQuery::new()
                .with_until(time(1_795_461_676_002))
                .with_kind(EventKind::Tool),
            6,
        ),
        (
            EventQuery::new()
                .with_filter(Filter::new("metadata.number", Operator::GreaterThan, 2))
                .with_since(time(1_795_461_676_001))
                .with_until(time(1_795_461_676_003)),
            6,
        ),
    ] {
        let what = format!("{query:?}");
        assert_eq!(
            ids(client.events().search(query)).await.len(),
            count,
            "{what}"
        );
    }
}

#[tokio::test]
async fn an_invalid_event_of_a_batch_is_reported() {
    let server = TestServer::start().await;
    let client = client(&server).await;
    let error = client
        .events()
        .create(CreateEvent::default())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    let batch = vec![event(1), CreateEvent::default()];
    let error = client.events().create_batch(batch).await.unwrap_err();
    assert!(
        error.message().contains("1 of 2 events were not stored"),
        "{error}"
    );
    assert_eq!(
        ids(client
            .events()
            .search(EventQuery::new().with_name("event 1")))
        .await
        .len(),
        1
    );
}

#[tokio::test]
async fn test_mode_creates_events_without_a_server() {
    let client = HoneyHive::builder()
        .with_env(empty_env())
        .with_test_mode(true)
        .build()
        .unwrap();
    let events = client.events();
    let given = Uuid::from_u128(5);
    let with_id = CreateEvent {
        event_id: Some(given.to_string()),
        ..event(1)
    };
    assert_eq!(events.create(with_id).await.unwrap(), given);
    let batch = events.create_batch(vec![event(1), event(2)]).await.unwrap();
    assert_ne!(batch[0], batch[1]);
    let invalid = events.create(CreateEvent::default()).await.unwrap_err();
    assert_eq!(invalid.kind(), ErrorKind::Invalid);
    assert!(ids(events.search(EventQuery::new())).await.is_empty());
    let error = events.get(given).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TestMode);
}

/// Returns a client of a server whose responses are defined by the test.
fn client_of(server: &HttpServer) -> HoneyHive {
    HoneyHive::builder()
        .with_env(empty_env())
        .with_base_url(server.url())
        .with_api_key("hh_1234567890abcdef1234567890abcdef")
        .build()
        .unwrap()
}

/// Returns a page with these events, given as their numbers and their start times in milliseconds after the first one.
fn page(events: &[(u32, u32)], more: &str) -> String {
    let events = events.iter().map(|(number, start)| {
        let time = START + f64::from(*start);
        let id = Uuid::from_u128((*number).into());
        format!(
            r#"{{"event_id": "{id}", "session_id": "{id}", "event_type": "tool", "event_name": "e", "project_id": "p",
            "start_time": {time}, "end_time": {time}, "duration": 0}}"#
        )
    });
    let events = events.collect::<Vec<_>>().join(",");
    format!(
        "200 OK\r\nContent-Type: application/json\r\n\r\n{{\"events\": [{events}], \"totalEvents\": 9, \"count\": 9{more}}}"
    )
}

/// Returns the numbers of events.
fn numbers(ids: &[Uuid]) -> Vec<u128> {
    ids.iter().map(Uuid::as_u128).collect()
}

/// Returns a member of the body of each request.
fn sent(server: &HttpServer, member: &str) -> Vec<Value> {
    let bodies = server.bodies().into_iter();
    let body = |body: Vec<u8>| serde_json::from_slice::<Value>(&body).unwrap();
    bodies.map(|sent| body(sent)[member].take()).collect()
}

#[tokio::test]
async fn a_slow_search_continues_at_the_cursor_of_each_page() {
    let server = HttpServer::start([
        page(&[(1, 5)], r#", "next": "a""#),
        // The server has found nothing within its time limit.
        page(&[], r#", "next": "b""#),
        page(&[(2, 4)], ""),
    ]);
    let pages = client_of(&server).events().search(EventQuery::new());
    assert_eq!(numbers(&ids(pages).await), [1, 2]);
    assert_eq!(sent(&server, "cursor"), ["", "a", "b"]);
    assert_eq!(
        sent(&server, "page"),
        [Value::Null, Value::Null, Value::Null]
    );
}

#[tokio::test]
async fn a_search_continues_at_a_saved_position_in_another_client() {
    for pages in [
        [
            page(&[(1, 5), (2, 4)], r#", "next": "a""#),
            page(&[(3, 4), (4, 3)], r#", "next": "b""#),
            page(&[(5, 3)], ""),
        ],
        // A server without cursors, whose events at the bound are returned again.
        [
            page(&[(1, 5), (2, 4)], ""),
            page(&[(2, 4), (3, 4)], ""),
            page(&[(4, 3)], ""),
        ],
    ] {
        let server = HttpServer::start(pages);
        let query = EventQuery::new().with_page_size(2);
        let mut position = None;
        let mut found = Vec::new();
        loop {
            let query = match position {
                Some(position) => query.clone().with_position(position),
                None => query.clone(),
            };
            let mut pages = client_of(&server).events().search(query);
            let Some(events) = pages.next_page().await.unwrap() else {
                break;
            };
            found.extend(events.iter().map(|event| event.event_id));
            let saved = serde_json::to_string(&pages.position()).unwrap();
            position = Some(serde_json::from_str(&saved).unwrap());
        }
        let found = numbers(&found);
        assert!(found.starts_with(&[1, 2, 3, 4]), "{found:?}");
        assert_eq!(server.requests().len(), 3);
    }
}

#[tokio::test]
async fn a_server_that_rejects_cursors_is_read_by_start_time() {
    let server = HttpServer::start([
        "400 Bad Request\r\nContent-Type: application/json\r\n\r\n{\"message\": \"unknown member cursor\"}".to_owned(),
        page(&[(1, 5), (2, 4)], ""),
        page(&[(2, 4)], ""),
    ]);
    let query = EventQuery::new().with_page_size(2);
    let pages = client_of(&server).events().search(query);
    assert_eq!(numbers(&ids(pages).await), [1, 2]);
    let null = Value::Null;
    assert_eq!(sent(&server, "cursor"), [json!(""), null.clone(), null]);
}

#[tokio::test]
async fn a_page_that_is_too_large_is_requested_in_parts() {
    let too_large = "413 Content Too Large\r\n\r\n".to_owned();
    let server = HttpServer::start([
        too_large.clone(),
        page(&[(1, 5)], r#", "next": "a""#),
        too_large,
        page(&[(2, 4)], ""),
    ]);
    let query = EventQuery::new().with_page_size(8);
    let pages = client_of(&server).events().search(query);
    assert_eq!(numbers(&ids(pages).await), [1, 2]);
    assert_eq!(sent(&server, "limit"), [8, 4, 4, 2]);
}

#[tokio::test]
async fn a_repeated_cursor_is_an_error() {
    let server = HttpServer::with(|_| page(&[(1, 5)], r#", "next": "a""#));
    let mut pages = client_of(&server).events().search(EventQuery::new());
    let error = loop {
        match pages.next().await {
            Ok(event) => assert!(event.is_some()),
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn a_batch_of_which_a_part_is_rejected_is_sent_once() {
    let server = HttpServer::with(|_| {
        "500 Internal Server Error\r\nContent-Type: application/json\r\n\r\n{\"errorCode\": \"PARTIAL_FAILURE\", \"message\": \"1 of 2 events were not stored\"}".to_owned()
    });
    let batch = vec![event(1), event(2)];
    let error = client_of(&server)
        .events()
        .create_batch(batch)
        .await
        .unwrap_err();
    assert!(error.message().contains("1 of 2 events"), "{error}");
    assert_eq!(server.requests().len(), 1);
}
