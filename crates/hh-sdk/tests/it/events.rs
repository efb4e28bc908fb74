use std::collections::BTreeSet;

use hh_sdk::api::types::{CreateEvent, CreateSession, EventPatch, Filter, Object, Operator};
use hh_sdk::auth::Level;
use hh_sdk::{ErrorKind, EventKind, EventPages, EventQuery, HoneyHive};
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
