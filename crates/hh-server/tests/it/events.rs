//! Tests reading events and merging patches into them.

use std::collections::BTreeSet;

use hh_auth::Level;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::spans::{SESSION, encode, label, span};
use super::support::{Client, TestServer, text};

const OTHER: &str = "01234567-89ab-4def-8123-456789abcdef";
const EXPORT: &str = "/v1/events/export";

/// Starts a server with two sessions that have events of all kinds: 4 chains and 4 models in each, and 6 tools in the
/// first. Some events start at the same time.
async fn filled() -> TestServer {
    let server = TestServer::start().await;
    let mut spans = Vec::new();
    for number in 0..22_u8 {
        let session = if number % 2 == 0 || number >= 16 {
            SESSION
        } else {
            OTHER
        };
        let kind = match number {
            16.. => "tool",
            _ if number % 4 < 2 => "chain",
            _ => "model",
        };
        let labels = vec![
            label("honeyhive.session_id", session),
            label("honeyhive_event_type", kind),
        ];
        let mut one = span(number + 1, None, labels);
        one.start_time_unix_nano -= u64::from(number % 3) * 1_000_000;
        spans.push(one);
    }
    server
        .admin()
        .export(&encode(spans))
        .await
        .assert_ok_empty();
    server
}

fn is(field: &str, value: &str) -> Value {
    json!({"field": field, "operator": "is", "value": value, "type": "string"})
}

fn ids(list: &Value) -> Vec<String> {
    let events = list["events"].as_array().unwrap();
    events
        .iter()
        .map(|event| text(&event["event_id"]))
        .collect()
}

/// Reads all pages with a limit of events per page, and returns the ids.
async fn pages(client: &Client, filters: &Value, limit: usize) -> Vec<String> {
    let mut all = Vec::new();
    for page in 1.. {
        let list = client
            .events(&json!({"filters": filters, "limit": limit, "page": page}))
            .await;
        let page = ids(&list);
        assert!(page.len() <= limit);
        if page.is_empty() {
            assert_eq!(list["count"], all.len());
            break;
        }
        all.extend(page);
    }
    all
}

#[tokio::test]
async fn filters_narrow_alone_and_together() {
    let server = filled().await;
    let client = server.key(Level::ReadOnly, "all").await;
    for (filters, count) in [
        (json!([]), 24),
        (json!([is("session_id", SESSION)]), 15),
        (json!([is("session_id", OTHER)]), 9),
        (
            json!([is("session_id", "01234567-0000-4000-8000-000000000000")]),
            0,
        ),
        (json!([is("event_type", "session")]), 2),
        (json!([is("event_type", "chain")]), 8),
        (json!([is("event_type", "model")]), 8),
        (json!([is("event_type", "tool")]), 6),
        (
            json!([is("session_id", SESSION), is("event_type", "chain")]),
            4,
        ),
        (
            json!([is("event_type", "tool"), is("session_id", OTHER)]),
            0,
        ),
        (
            json!([is("session_id", OTHER), is("event_type", "session")]),
            1,
        ),
        (
            json!([is("event_type", "tool"), is("event_type", "tool")]),
            6,
        ),
        (
            json!([is("event_type", "tool"), is("event_type", "model")]),
            0,
        ),
        (
            json!([is("session_id", SESSION), is("session_id", OTHER)]),
            0,
        ),
    ] {
        let list = client.events(&json!({"filters": filters})).await;
        assert_eq!(list["count"], count, "{filters}");
        assert_eq!(list["totalEvents"], count);
        let found: BTreeSet<_> = ids(&list).into_iter().collect();
        assert_eq!(json!(found.len()), count, "{filters}");
        for event in list["events"].as_array().unwrap() {
            for filter in filters.as_array().unwrap() {
                assert_eq!(event[text(&filter["field"])], filter["value"]);
            }
        }
    }
}

#[tokio::test]
async fn events_come_the_latest_first_and_absent_members_are_the_usual_ones() {
    let server = filled().await;
    let client = server.key(Level::ReadOnly, "all").await;
    let list = client.events(&json!({})).await;
    let times = list["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["start_time"].as_f64().unwrap());
    assert!(times.is_sorted_by(|first, second| first >= second));
    let as_npm_asks = json!({"project": "default", "filters": [], "limit": 1000, "page": 1});
    assert_eq!(client.events(&as_npm_asks).await, list);
}

#[test]
fn the_pages_of_any_size_have_every_event_once() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = runtime.block_on(filled());
    let client = server.admin();
    let whole = ids(&runtime.block_on(client.events(&json!({}))));
    let mut config = ProptestConfig::with_cases(24);
    config.failure_persistence = None;
    let choice = prop::sample::select(vec![
        json!([]),
        json!([is("session_id", SESSION)]),
        json!([is("event_type", "model")]),
        json!([is("session_id", OTHER), is("event_type", "chain")]),
    ]);
    proptest!(config, |(limit in 1_usize..30, filters in choice)| {
        let all = runtime.block_on(pages(&client, &filters, limit));
        let one = ids(&runtime.block_on(client.events(&json!({"filters": filters}))));
        prop_assert_eq!(&all, &one);
        prop_assert!(all.iter().all(|id| whole.contains(id)));
    });
}

#[tokio::test]
async fn an_export_that_cannot_be_meant_is_refused() {
    let server = TestServer::start().await;
    let admin = server.admin();
    let mut messages = Vec::new();
    for wanted in [
        json!({"limit": 0}),
        json!({"limit": 7501}),
        json!({"limit": -1}),
        json!({"limit": "10"}),
        json!({"page": 0}),
        json!({"page": 1.5}),
        json!({"page": 10_002}),
        json!({"limit": 7500, "page": u32::MAX}),
        json!({"filters": [is("name", "x")]}),
        json!({"filters": [is("event_type", "span")]}),
        json!({"filters": [{"field": "session_id", "operator": "like", "value": "x"}]}),
        json!({"filters": [{"field": "session_id", "operator": "is", "value": [1]}]}),
        json!({"filters": [{"operator": "exists"}]}),
        json!({"filters": {}}),
    ] {
        messages.push(admin.post(EXPORT, &wanted).await.assert_problem(400));
    }
    insta::assert_snapshot!(messages.join("\n"), @r#"
    limit must be between 1 and 7500
    limit must be between 1 and 7500
    invalid body: a value has the wrong type (line 1, column 12)
    invalid body: a value has the wrong type (line 1, column 13)
    page must be at least 1
    invalid body: a value has the wrong type (line 1, column 12)
    the page is beyond the first 10000000 events; use a filter or a time range
    the page is beyond the first 10000000 events; use a filter or a time range
    unknown field of a filter; use a member of an event, or a path below config, inputs, outputs, metadata, metrics, feedback, user_properties
    event_type must be one of session, chain, model, tool
    invalid body: operator must be one of "exists", "not exists", "is", "is not", "contains", "not contains", "greater than", "less than", "after", "before" (line 1, column 51)
    the value of a filter must be a string, a number or a boolean
    invalid body: missing field "field" (line 1, column 33)
    invalid body: a value has the wrong type (line 1, column 11)
    "#);
    for (limit, page) in [(1, 1), (7500, 1), (1000, 10_001)] {
        let list = admin.events(&json!({"limit": limit, "page": page})).await;
        assert_eq!(list, json!({"events": [], "totalEvents": 0, "count": 0}));
    }
}

/// Stores a session and an event, and returns their ids.
async fn two(server: &TestServer) -> [String; 2] {
    let session = json!({"session": {"session_id": SESSION, "start_time": 1000.0, "metadata": {"a": 1, "b": {"c": 1}}}});
    server
        .admin()
        .post("/session/start", &session)
        .await
        .assert_ok();
    let labels = vec![
        label("honeyhive.session_id", SESSION),
        label("honeyhive_metadata.a", "1"),
        label("honeyhive_outputs.result", "r"),
    ];
    server
        .admin()
        .export(&encode(vec![span(1, None, labels)]))
        .await
        .assert_ok_empty();
    let list = server.admin().events(&json!({})).await;
    [SESSION.to_owned(), text(&list["events"][0]["event_id"])]
}

async fn find(client: &Client, id: &str) -> Value {
    let list = client.events(&json!({})).await;
    let events = list["events"].as_array().unwrap();
    events
        .iter()
        .find(|event| event["event_id"] == id)
        .unwrap()
        .clone()
}

#[tokio::test]
async fn a_patch_merges_objects_and_replaces_outputs() {
    let server = TestServer::start().await;
    let admin = server.admin();
    for id in two(&server).await {
        let before = find(&admin, &id).await;
        let objects = [
            "metadata",
            "feedback",
            "metrics",
            "config",
            "user_properties",
        ];
        for (value, merged) in [
            (
                json!({"x": 1, "y": {"deep": 1}}),
                json!({"x": 1, "y": {"deep": 1}}),
            ),
            (
                json!({"y": 2, "z": null}),
                json!({"x": 1, "y": 2, "z": null}),
            ),
            (json!({}), json!({"x": 1, "y": 2, "z": null})),
            (Value::Null, json!({"x": 1, "y": 2, "z": null})),
        ] {
            let mut patch = json!({"event_id": id});
            for name in objects {
                patch[name] = value.clone();
            }
            assert_eq!(
                admin.put("/events", &patch).await.assert_ok(),
                json!({"success": true})
            );
            let event = find(&admin, &id).await;
            for name in objects {
                let mut expected = before[name].as_object().unwrap().clone();
                expected.extend(merged.as_object().unwrap().clone());
                assert_eq!(event[name], Value::Object(expected), "{name}");
            }
            assert_eq!(
                event["outputs"], before["outputs"],
                "absent outputs changed"
            );
        }
        for (outputs, kept) in [
            (json!({"final": "done"}), json!({"final": "done"})),
            (Value::Null, json!({"final": "done"})),
            (json!({"other": 1}), json!({"other": 1})),
            (json!({}), json!({})),
        ] {
            admin
                .put("/events", &json!({"event_id": id, "outputs": outputs}))
                .await
                .assert_ok();
            assert_eq!(find(&admin, &id).await["outputs"], kept);
        }
        for outputs in [json!("text"), json!(1), json!([1]), json!(true)] {
            admin
                .put("/events", &json!({"event_id": id, "outputs": outputs}))
                .await
                .assert_problem(400);
        }
        let mut after = find(&admin, &id).await;
        for name in objects.iter().chain(&["outputs"]) {
            after[*name] = before[*name].clone();
        }
        assert_eq!(after, before, "other members changed");
    }
}

#[tokio::test]
async fn a_patch_sets_the_end_by_time_or_duration_and_ignores_the_rest() {
    let server = TestServer::start().await;
    let client = server.key(Level::ReadWrite, "all").await;
    let admin = server.admin();
    for id in two(&server).await {
        let before = find(&admin, &id).await;
        let start = before["start_time"].as_f64().unwrap();
        for (patch, duration) in [
            (json!({"duration": 12.5}), 12.5),
            (json!({"end_time": start + 250.0}), 250.0),
            (json!({"end_time": start + 3.0, "duration": 99.0}), 3.0),
            (json!({"duration": 0}), 0.0),
            (json!({"duration": -5}), 0.0),
            (json!({"end_time": start - 5.0}), 0.0),
            (
                json!({"duration": 7, "children_ids": [], "event_name": "new", "inputs": {"i": 1}, "start_time": 1, "error": "e"}),
                7.0,
            ),
            (json!({"metadata": {}}), 7.0),
        ] {
            let mut sent = patch.clone();
            sent["event_id"] = json!(id);
            client.put("/events", &sent).await.assert_ok();
            let event = find(&admin, &id).await;
            let found = event["duration"].as_f64().unwrap();
            assert!((found - duration).abs() < 1e-3, "{patch}: {found}");
            let end = event["end_time"].as_f64().unwrap();
            assert!((end - start - duration).abs() < 1e-3, "{patch}: {end}");
            for name in [
                "start_time",
                "event_name",
                "inputs",
                "parent_id",
                "session_id",
                "source",
            ] {
                assert_eq!(event[name], before[name], "{name}");
            }
            assert!(event.get("error").is_none());
        }
    }
}

#[tokio::test]
async fn a_patch_of_no_event_is_refused() {
    let server = TestServer::start().await;
    two(&server).await;
    let admin = server.admin();
    let message = admin
        .put("/events", &json!({"event_id": OTHER}))
        .await
        .assert_problem(404);
    insta::assert_snapshot!(message, @"event 01234567-89ab-4def-8123-456789abcdef not found");
    for patch in [
        json!({}),
        json!({"event_id": null}),
        json!({"event_id": "x"}),
        json!({"event_id": SESSION, "metadata": []}),
        json!({"event_id": SESSION, "duration": "1"}),
    ] {
        admin.put("/events", &patch).await.assert_problem(400);
    }
}

#[tokio::test]
async fn concurrent_patches_are_all_applied() {
    let server = TestServer::start().await;
    let [session, event] = two(&server).await;
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..32 {
        let admin = server.admin();
        let id = if number % 2 == 0 {
            session.clone()
        } else {
            event.clone()
        };
        let mut metrics = json!({});
        metrics[number.to_string()] = json!(number);
        tasks.spawn(async move {
            admin
                .put("/events", &json!({"event_id": id, "metrics": metrics}))
                .await
                .assert_ok()
        });
    }
    tasks.join_all().await;
    for id in [session, event] {
        assert_eq!(
            find(&server.admin(), &id).await["metrics"]
                .as_object()
                .unwrap()
                .len(),
            16
        );
    }
}

/// Clients must be able to read all stored events, and JSON parsers stop at 128 levels.
#[tokio::test]
async fn json_that_is_nested_deeply_is_refused_or_readable() {
    let server = TestServer::start().await;
    let admin = server.admin();
    two(&server).await;
    for depth in [10, 90, 99, 110, 120, 123, 124, 125, 126, 127, 128, 20_000] {
        let deep = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        let patch = format!("{{\"event_id\": \"{SESSION}\", \"metadata\": {{\"x\": {deep}}}}}");
        let session = format!(
            "{{\"session\": {{\"session_id\": \"{SESSION}\", \"metadata\": {{\"x\": {deep}}}}}}}"
        );
        for (method, path, body) in [
            ("PUT", "/events", patch),
            ("POST", "/session/start", session),
        ] {
            let answer = admin.send(method, path, &[], body.as_bytes()).await;
            if depth < 95 {
                answer.assert_ok();
            } else if answer.status != 200 {
                answer.assert_problem(400);
            }
            assert_eq!(admin.events(&json!({})).await["count"], 2);
        }
    }
}
