use std::collections::BTreeMap;

use hh_auth::Level;
use serde_json::json;

use super::*;

const NOW: i64 = 1_795_461_676_000_000_000;
const GIVEN: &str = "6ba7b810-9dad-41d1-80b4-00c04fd430c8";
const DERIVED: &str = "6ba7b810-9dad-81d1-80b4-00c04fd430c8";

fn completion(level: Level) -> Completion {
    Completion::new(NOW, Rights::new(level, 1), None)
}

fn complete(completion: &mut Completion, event: Value) -> Result<CompleteEvent, String> {
    let event = serde_json::from_value(event).unwrap();
    let completed = completion.complete(ProjectId::new(1), event);
    completed.map_err(|error| error.to_string())
}

#[test]
fn a_given_id_is_kept_and_an_absent_one_is_a_uuid_of_version_7() {
    let mut all = completion(Level::ReadWrite);
    let event = |id: &str| json!({"event_type": "tool", "inputs": {}, "event_id": id});
    for id in [GIVEN, DERIVED] {
        assert_eq!(complete(&mut all, event(id)).unwrap().id.to_string(), id);
    }
    let mut made = Vec::new();
    for id in ["", "", "my event"] {
        let event = complete(&mut all, event(id)).unwrap();
        assert_eq!(event.id.get_version_num(), 7, "{id}");
        made.push(event.id);
    }
    assert!(made.is_sorted() && made[0] != made[1], "{made:?}");
    let child = json!({"event_type": "tool", "inputs": {}, "parent_id": "my event"});
    assert_eq!(complete(&mut all, child).unwrap().parent, made[2]);
}

#[test]
fn a_key_that_may_only_ingest_cannot_choose_an_id_that_the_server_derives() {
    let mut own = completion(Level::IngestOnly);
    let event = |id: &str| json!({"event_type": "tool", "inputs": {}, "event_id": id});
    let kept = complete(&mut own, event(GIVEN)).unwrap();
    assert_eq!(kept.id.to_string(), GIVEN);
    let replaced = complete(&mut own, event(DERIVED)).unwrap();
    assert_eq!(replaced.id.get_version_num(), 7);
}

#[test]
fn an_event_without_optional_members_is_complete() {
    let mut all = completion(Level::ReadWrite);
    let event = complete(&mut all, json!({"event_type": "model", "inputs": {"a": 1}})).unwrap();
    assert_eq!(event.parent, event.session);
    assert_eq!(
        (event.name.as_str(), event.body.source.as_str()),
        ("unknown", "unknown")
    );
    assert_eq!((event.started, event.ended), (NOW, NOW));
    for (event, message) in [
        (json!({"inputs": {}}), "missing field \"event_type\""),
        (json!({"event_type": "tool"}), "missing field \"inputs\""),
        (
            json!({"event_type": "run", "inputs": {}}),
            "event_type must be one of session, chain, model, tool",
        ),
    ] {
        assert_eq!(complete(&mut all, event).unwrap_err(), message);
    }
}

#[test]
fn missing_times_are_calculated_from_the_others() {
    let second = 1_000_000_000;
    let start = 1_795_461_670_000_000_000;
    let millis = 1_795_461_670_000.0;
    for (given, expected) in [
        (
            (Some(millis), None, Some(2000.0)),
            (start, start + 2 * second),
        ),
        (
            (None, Some(millis), Some(2000.0)),
            (start - 2 * second, start),
        ),
        ((None, None, Some(2000.0)), (NOW - 2 * second, NOW)),
        (
            (Some(millis), Some(millis + 1000.0), Some(9.0)),
            (start, start + second),
        ),
        ((Some(millis), Some(millis - 1000.0), None), (start, start)),
        ((Some(-5.0), None, Some(-7.0)), (NOW, NOW)),
        // Times in microseconds.
        (
            (Some(millis * 1e3 + 0.25), Some(millis * 1e3 + 2e6), None),
            (start + 250, start + 2 * second),
        ),
        (
            (Some(millis), Some(millis * 1e3 + 2e6), Some(9.0)),
            (start, start + 2 * second),
        ),
    ] {
        let (from, to, duration) = given;
        assert_eq!(times(from, to, duration, NOW), expected, "{given:?}");
    }
}

#[test]
fn only_the_session_itself_has_the_type_session() {
    let mut all = completion(Level::ReadWrite);
    let kind = |event: Value| {
        let event = complete(&mut all, event).unwrap();
        (event.kind, event.id == event.session)
    };
    let results = [
        json!({"event_type": "session", "inputs": {}}),
        json!({"event_type": "session", "inputs": {}, "event_id": GIVEN}),
        json!({"event_type": "session", "inputs": {}, "session_id": GIVEN}),
        json!({"event_type": "session", "inputs": {}, "event_id": GIVEN, "session_id": GIVEN}),
        json!({"event_type": "session", "inputs": {}, "event_id": "text", "session_id": "text"}),
    ]
    .map(kind);
    assert!(
        results
            .iter()
            .all(|result| *result == (EventKind::Session, true)),
        "{results:?}"
    );
    let other =
        json!({"event_type": "session", "inputs": {}, "event_id": GIVEN, "session_id": DERIVED});
    let event = complete(&mut completion(Level::ReadWrite), other).unwrap();
    assert_eq!(
        (event.kind, event.id == event.session),
        (EventKind::Chain, false)
    );
}

#[test]
fn a_call_to_a_model_becomes_an_event_of_the_type_model() {
    let call: CreateModelEvent = serde_json::from_value(json!({
        "project": "default",
        "session_id": GIVEN,
        "model": "m-1",
        "provider": "p",
        "messages": [{"role": "user", "content": "hello"}],
        "response": {"role": "assistant", "content": "hi"},
        "duration": 42,
        "usage": {"prompt_tokens": 3, "total_tokens": 4},
        "cost": 0.5,
        "hyperparameters": {"temperature": 0},
        "template": [{"role": "user", "content": "{{x}}"}],
        "template_inputs": {"x": "hello"},
        "tools": [{"name": "t"}],
        "tool_choice": "none",
        "response_format": {"type": "text"},
        "metadata": {"cost": 1},
        "unknown": 1,
    }))
    .unwrap();
    let event = model_event(call);
    assert_eq!(event.event_type.as_deref(), Some("model"));
    assert_eq!(event.event_name.as_deref(), Some("m-1"));
    assert_eq!(event.project.as_deref(), Some("default"));
    assert_eq!(event.session_id.as_deref(), Some(GIVEN));
    assert_eq!(event.duration, Some(42.0));
    let members = [
        ("config", json!(event.config)),
        ("inputs", json!(event.inputs)),
        ("outputs", json!(event.outputs)),
        ("metadata", json!(event.metadata)),
    ];
    assert_eq!(
        json!(members.into_iter().collect::<BTreeMap<_, _>>()),
        json!({
            "config": {
                "model": "m-1",
                "provider": "p",
                "hyperparameters": {"temperature": 0},
                "template": [{"role": "user", "content": "{{x}}"}],
                "tools": [{"name": "t"}],
                "tool_choice": "none",
                "response_format": {"type": "text"},
            },
            "inputs": {"chat_history": [{"role": "user", "content": "hello"}], "x": "hello"},
            "outputs": {"role": "assistant", "content": "hi"},
            "metadata": {"prompt_tokens": 3, "total_tokens": 4, "cost": 1},
        })
    );
}
