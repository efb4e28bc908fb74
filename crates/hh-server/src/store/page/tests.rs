use hh_api::to_millis;
use hh_api::types::{Event, EventKind, EventList, Object};
use proptest::prelude::*;
use serde_json::Value;
use uuid::Uuid;

use super::*;
use crate::domain::event_body::EventBody as Body;
use crate::domain::sessions::UNNAMED;

/// Returns a strategy for nested objects with a few members.
pub(super) fn object() -> impl Strategy<Value = Object> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    let value = leaf.prop_recursive(3, 12, 3, |inner| {
        let map = prop::collection::btree_map(any::<String>(), inner.clone(), 0..3);
        prop_oneof![
            prop::collection::vec(inner, 0..3).prop_map(Value::from),
            map.prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    });
    prop::collection::btree_map(any::<String>(), value, 0..3)
        .prop_map(|map| map.into_iter().collect())
}

fn body() -> impl Strategy<Value = Body> {
    let objects = prop::collection::vec(object(), 7);
    let error = prop::option::of(any::<String>());
    (any::<String>(), objects, error).prop_map(|(source, objects, error)| {
        let mut objects = objects.into_iter();
        let mut next = || objects.next().unwrap();
        Body {
            source,
            error,
            config: next(),
            inputs: next(),
            outputs: next(),
            metadata: next(),
            metrics: next(),
            feedback: next(),
            user_properties: next(),
        }
    })
}

fn any_kind() -> impl Strategy<Value = EventKind> {
    prop::sample::select(EventKind::ALL.to_vec())
}

proptest! {
    #[test]
    fn a_page_is_what_the_types_of_the_api_serialize_to(
        body in body(),
        name: String,
        project: String,
        ids: [u128; 2],
        parent: Option<u128>,
        kind in any_kind(),
        times: [i64; 2],
        total: u64,
    ) {
        let [id, session] = ids.map(Uuid::from_u128);
        let [started, ended] = times;
        let parent = parent.map(Uuid::from_u128);
        let stored = body.encode().unwrap();
        let event = StoredEvent { id, session, parent, kind, name: &name, started, ended, body: &stored };
        let mut page = PageBuilder::new(&project);
        for _ in 0..2 {
            prop_assert!(page.push(&event).unwrap());
        }
        let source = if body.source.is_empty() { UNNAMED.to_owned() } else { body.source };
        let expected = Event {
            event_id: id,
            session_id: session,
            parent_id: parent,
            event_type: kind,
            event_name: name.clone(),
            source,
            project_id: project,
            config: body.config,
            inputs: body.inputs,
            outputs: body.outputs,
            error: body.error,
            start_time: to_millis(started),
            end_time: to_millis(ended),
            duration: to_millis(ended.saturating_sub(started)),
            metadata: body.metadata,
            metrics: body.metrics,
            feedback: body.feedback,
            user_properties: body.user_properties,
        };
        let events = vec![expected.clone(), expected];
        let total_is_exact = total % 3 == 1;
        let list = EventList {
            events, total_events: total, count: total, total_is_exact, truncated: false, next: None,
        };
        let end = PageEnd { is_exact: total_is_exact, ..end(total) };
        let rendered = page.finish(end, Vec::new()).json;
        prop_assert_eq!(String::from_utf8(rendered).unwrap(), serde_json::to_string(&list).unwrap());
    }
}

/// Returns the end of a page with an exact total.
fn end(total: u64) -> PageEnd {
    PageEnd {
        total,
        is_exact: true,
        next: None,
    }
}

#[test]
fn a_cursor_is_read_as_it_was_written_and_other_texts_are_refused() {
    for id in [None, Some([7; 16])] {
        for number in [i64::MIN, -1, 0, 1, i64::MAX] {
            let position = Position {
                started: number,
                sid: number ^ 5,
                id,
            };
            assert_eq!(Position::parse(&position.encode()), Some(position));
        }
    }
    let whole = "0".repeat(64);
    for text in [
        "",
        "x",
        "00",
        &whole[..30],
        &whole[..34],
        &whole[..62],
        &format!("{whole}00"),
    ] {
        assert_eq!(Position::parse(text), None, "{text}");
    }
}

/// Encodes a body with a text in its inputs.
fn large(text: &str) -> Vec<u8> {
    let mut body = Body::default();
    body.inputs.insert("text".to_owned(), text.into());
    body.encode().unwrap()
}

#[test]
fn a_page_has_one_event_however_large_and_more_only_as_far_as_all_bytes_fit() {
    const MIB: usize = 1 << 20;
    // JSON needs six bytes for each of these characters.
    let controls = "\u{1}".repeat(MIB);
    let long = "x".repeat(3 * MIB);
    for (name, body, fit) in [
        ("", large(&"x".repeat(15 * MIB)), 1),
        ("", large(&long), 2),
        (&*long, large(""), 2),
        (&*long, large(&long), 1),
        (&*controls, large(""), 1),
        ("", large(&"x".repeat(MIB)), 7),
        (&*"x".repeat(1000), large(""), 6000),
    ] {
        let event = StoredEvent {
            id: Uuid::nil(),
            session: Uuid::nil(),
            parent: None,
            kind: EventKind::Tool,
            name,
            started: 0,
            ended: 0,
            body: &body,
        };
        let mut page = PageBuilder::new("project");
        let mut pushed = 0;
        while page.push(&event).unwrap() {
            pushed += 1;
        }
        assert!(!page.push(&event).unwrap(), "the page stays full");
        // This is the longest text after the events.
        let end = PageEnd {
            is_exact: false,
            next: Some(Position {
                started: i64::MIN,
                sid: i64::MAX,
                id: Some([255; 16]),
            }),
            ..end(u64::MAX)
        };
        let rendered = page.finish(end, Vec::new()).json;
        assert!(rendered.len() <= MAX_PAGE || pushed == 1);
        let list: EventList = serde_json::from_slice(&rendered).unwrap();
        assert_eq!(list.events.len(), pushed);
        assert!(
            (fit..=fit + fit / 5).contains(&pushed),
            "{pushed} events fit, expected {fit}"
        );
    }
}
