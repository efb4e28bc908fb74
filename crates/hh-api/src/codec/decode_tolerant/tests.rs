use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::odd_values::{odd_json, odd_values};
use crate::types::{
    AddSessionEvents, CreateEvent, CreateEvents, CreateModelEvent, CreateModelEvents,
    CreateSession, EventPatch, StartSession,
};
use crate::{BodyKind, MAX_DEPTH, Method, OpId};

fn route_of(op: OpId, dialect: Dialect) -> &'static Route {
    let mut routes = op.operation().routes.iter();
    routes.find(|route| route.dialect == dialect).unwrap()
}

fn batch_of(body: impl AsRef<[u8]>) -> Batch<CreateEvents> {
    let route = route_of(OpId::CreateEvents, Dialect::V1);
    route.decode_batch(route.path, body.as_ref()).unwrap()
}

fn event_of(body: impl AsRef<[u8]>) -> Result<CreateEvent, DecodeError> {
    let route = route_of(OpId::CreateEvent, Dialect::V1);
    match route.decode_tolerantly(route.path, body.as_ref())? {
        Decoded::Value(event) => Ok(event),
        Decoded::Text(text) => panic!("{text}"),
    }
}

#[test]
fn unusual_text_and_numbers_of_an_event_keep_their_value() {
    for (sent, stored) in [
        (r#""hi \ud83d""#, json!("hi \u{fffd}")),
        (r#""\ud83d\udc1d""#, json!("\u{1f41d}")),
        ("\"a\nb\"", json!("a\nb")),
        ("3", json!(3)),
        ("3.0", json!(3.0)),
        ("-0.5", json!(-0.5)),
        ("18446744073709551615", json!(u64::MAX)),
        ("1e400", json!("1e400")),
        (
            "123456789012345678901234567890123456789",
            json!("123456789012345678901234567890123456789"),
        ),
        ("NaN", json!("NaN")),
        ("-Infinity", json!("-Infinity")),
        (r#"[null, {"a": {}}, true]"#, json!([null, {"a": {}}, true])),
    ] {
        let body = format!(r#"{{"event_type": "tool", "inputs": {{"a": {sent}}}}}"#);
        let event = event_of(&body).unwrap();
        assert_eq!(event.inputs.unwrap()["a"], stored, "{sent}");
    }
    let mut body = br#"{"event_type": "tool", "inputs": {}, "event_name": "a?b"}"#.to_vec();
    let at = body.iter().position(|byte| *byte == b'?').unwrap();
    body[at] = 0xff;
    assert_eq!(event_of(&body).unwrap().event_name.unwrap(), "a\u{fffd}b");
}

#[test]
fn an_invalid_item_of_a_batch_does_not_affect_the_others() {
    let good = r#"{"event_type": "tool", "inputs": {}}"#;
    for (odd, kind) in [
        ("null", DecodeErrorKind::WrongType),
        ("5", DecodeErrorKind::WrongType),
        (
            r#"{"start_time": "abc"}"#,
            DecodeErrorKind::WrongMember("start_time".to_owned()),
        ),
        (
            r#"{"metadata": "text"}"#,
            DecodeErrorKind::WrongMember("metadata".to_owned()),
        ),
        (
            r#"{"event_name": {"a": [1]}, "inputs": {}}"#,
            DecodeErrorKind::WrongMember("event_name".to_owned()),
        ),
    ] {
        let body = format!(r#"{{"events": [{good}, {odd}, {good}]}}"#);
        let items = batch_of(&body).items;
        assert_eq!(items.len(), 3, "{odd}");
        assert!(items[0].is_ok() && items[2].is_ok(), "{odd}");
        assert_eq!(items[1], Err(kind), "{odd}");
    }
    let deep = format!(
        r#"{{"inputs": {{"a": {}{}}}}}"#,
        "[".repeat(97),
        "]".repeat(97)
    );
    let body = format!(r#"{{"events": [{deep}, {good}]}}"#);
    let items = batch_of(&body).items;
    assert_eq!(items[0], Err(DecodeErrorKind::TooDeep));
    assert!(items[1].is_ok());
    let legacy = route_of(OpId::CreateEvents, Dialect::Legacy);
    let unknown = format!(r#"{{"more": 1, "events": [{{"more": {{}}}}, {good}]}}"#);
    let batch: Batch<CreateEvents> = legacy
        .decode_batch(legacy.path, unknown.as_bytes())
        .unwrap();
    assert!(batch.items.iter().all(Result::is_ok));
    let v1 = unknown.replacen(r#""more": 1, "#, "", 1);
    let items = batch_of(&v1).items;
    assert!(
        matches!(&items[0], Err(DecodeErrorKind::UnknownMember { name, .. }) if name == "more")
    );
    assert!(items[1].is_ok());
}

#[test]
fn the_rest_of_a_batch_is_decoded_like_any_input() {
    let batch = batch_of(
        r#"{"is_single_session": true, "events": [{"inputs": {}}], "session_properties": {"session_name": "\ud800"}}"#,
    );
    assert_eq!(batch.input.is_single_session, Some(true));
    assert_eq!(batch.input.events, []);
    let session = batch.input.session_properties.unwrap();
    assert_eq!(session.session_name.as_deref(), Some("\u{fffd}"));
    let route = route_of(OpId::CreateEvents, Dialect::V1);
    let fails = |body: &str| {
        let decoded = route.decode_batch::<CreateEvents>(route.path, body.as_bytes());
        decoded.unwrap_err().kind
    };
    assert_eq!(fails("{}"), DecodeErrorKind::MissingMember("events"));
    assert_eq!(fails("[]"), DecodeErrorKind::WrongType);
    assert_eq!(
        fails(r#"{"events": {}}"#),
        DecodeErrorKind::WrongMember("events".to_owned())
    );
    for damaged in [
        r#"{"events": [{"a": 1]}"#,
        r#"{"events": []} x"#,
        "",
        "{\"events\": [{",
    ] {
        assert_eq!(fails(damaged), DecodeErrorKind::Syntax, "{damaged}");
    }
    let route = route_of(OpId::AddSessionEvents, Dialect::Legacy);
    let added =
        |body: &str| route.decode_batch::<AddSessionEvents>("/session/abc/traces", body.as_bytes());
    let batch = added(r#"{"logs": [{}, {}], "events": []}"#).unwrap();
    assert_eq!(
        (batch.input.session_id.as_str(), batch.items.len()),
        ("abc", 2)
    );
    let both = added(r#"{"logs": [{}], "events": [{}]}"#).unwrap_err();
    assert!(matches!(both.kind, DecodeErrorKind::Rule { member, .. } if member == "events"));
}

fn added(body: &str) -> Batch<AddSessionEvents> {
    let route = route_of(OpId::AddSessionEvents, Dialect::Legacy);
    let batch = route.decode_batch("/session/abc/traces", body.as_bytes());
    batch.unwrap()
}

#[test]
fn children_of_events_become_events_with_a_parent() {
    let body = r#"{"logs": [
        {"children": [{"event_id": "c", "parent_id": "x", "children": [{"event_id": "d"}]}], "event_id": "a"},
        {"event_id": "b", "children": null},
        {"children": [{"event_id": "e"}]}
    ]}"#;
    let items = added(body).items;
    let ids = items.iter().map(|item| {
        let event = item.as_ref().unwrap();
        let parent = event.parent_id.as_deref();
        (event.event_id.as_deref().unwrap(), parent.unwrap_or("-"))
    });
    let new = "(event 2 of the request)";
    assert_eq!(
        ids.collect::<Vec<_>>(),
        [
            ("a", "-"),
            ("b", "-"),
            (new, "-"),
            ("c", "a"),
            ("e", new),
            ("d", "c")
        ]
    );
}

#[test]
fn an_invalid_event_costs_neither_its_children_nor_its_parent() {
    for odd in [
        r#""error": 1, "children": [{"event_id": "c", "parent_id": "p"}]"#,
        r#""children": [{"event_id": "c", "parent_id": "p"}], "error": 1"#,
    ] {
        let body = format!(
            r#"{{"logs": [{{"event_id": "a", "children": [{{{odd}}}, 5]}}, {{"event_id": "b"}}]}}"#
        );
        let items = added(&body).items;
        let known = items.iter().map(|item| {
            item.as_ref()
                .ok()
                .and_then(|event| event.event_id.as_deref())
        });
        assert_eq!(
            known.collect::<Vec<_>>(),
            [Some("a"), Some("b"), None, None, Some("c")],
            "{odd}"
        );
        assert_eq!(items[4].as_ref().unwrap().parent_id.as_deref(), Some("p"));
    }
    let route = route_of(OpId::AddSessionEvents, Dialect::Legacy);
    let damaged = br#"{"logs": [{"children": [{"a" 1}]}]}"#;
    let damaged = route.decode_batch::<AddSessionEvents>("/session/abc/traces", damaged);
    assert_eq!(damaged.unwrap_err().kind, DecodeErrorKind::Syntax);
}

#[test]
fn children_are_read_to_a_depth_and_cost_only_themselves_below_it() {
    let depth = 10_000;
    let deep = r#"{"children": ["#.repeat(depth);
    let body = format!(
        r#"{{"logs": [{deep}{}, {{"event_id": "b"}}]}}"#,
        "]}".repeat(depth)
    );
    let items = added(&body).items;
    // Every level is an object and a list.
    assert_eq!(items.len(), MAX_DEPTH / 2 + 1);
    let (last, others) = items.split_last().unwrap();
    assert_eq!(*last, Err(DecodeErrorKind::TooDeep));
    assert!(others.iter().all(Result::is_ok));
}

#[test]
fn other_routes_have_no_children() {
    let body = r#"{"events": [{"event_id": "a", "children": [{"event_id": "c"}]}]}"#;
    let legacy = route_of(OpId::CreateEvents, Dialect::Legacy);
    let batch = legacy.decode_batch::<CreateEvents>(legacy.path, body.as_bytes());
    assert_eq!(batch.unwrap().items.len(), 1);
    let v1 = route_of(OpId::AddSessionEvents, Dialect::V1);
    let batch = v1.decode_batch::<AddSessionEvents>("/v1/sessions/a/events/batch", body.as_bytes());
    let items = batch.unwrap().items;
    assert!(
        matches!(&*items, [Err(DecodeErrorKind::UnknownMember { name, .. })] if name == "children")
    );
}

#[test]
fn the_input_of_a_legacy_route_may_lack_its_wrapper() {
    let event = r#"{"event_type": "tool", "inputs": {}}"#;
    let route = route_of(OpId::CreateEvent, Dialect::Legacy);
    for body in [event.to_owned(), format!(r#"{{"event": {event}}}"#)] {
        let decoded = route.decode_tolerantly(route.path, body.as_bytes());
        assert_eq!(decoded, Ok(Decoded::Value(event_of(event).unwrap())));
    }
    let error = |op, body| error_of::<CreateEvent>(op, Dialect::Legacy, body);
    let missing = |name| Some(DecodeErrorKind::MissingMember(name));
    assert_eq!(error(OpId::CreateEvent, r#"{"a": 1}"#), missing("event"));
    let model =
        error_of::<CreateModelEvent>(OpId::CreateModelEvent, Dialect::Legacy, r#"{"model": "m"}"#);
    assert_eq!(model, missing("model_event"));
}

/// Members of an event, with `%` for an unusual value.
const EVENT_FIELDS: [&str; 26] = [
    r#""project": %"#,
    r#""project_id": %"#,
    r#""event_id": %"#,
    r#""session_id": %"#,
    r#""parent_id": %"#,
    r#""children_ids": %"#,
    r#""children_ids": [%]"#,
    r#""event_type": %"#,
    r#""event_name": %"#,
    r#""session_name": %"#,
    r#""source": %"#,
    r#""config": %"#,
    r#""config": {"a": %}"#,
    r#""inputs": %"#,
    r#""inputs": {"a": [%]}"#,
    r#""outputs": %"#,
    r#""outputs": {"a": %}"#,
    r#""error": %"#,
    r#""start_time": %"#,
    r#""end_time": %"#,
    r#""duration": %"#,
    r#""metadata": {"a": {"b": %}}"#,
    r#""metrics": {"cost": %}"#,
    r#""feedback": %"#,
    r#""user_properties": {"id": %}"#,
    r#""unknown": %"#,
];

#[test]
fn two_thousand_odd_values_of_each_member_of_an_event_cost_only_that_event() {
    let good = r#"{"event_type": "tool", "inputs": {"a": 1}, "event_name": "good"}"#;
    let expected = event_of(good);
    let expected = Ok(expected.unwrap());
    let values = odd_values(odd_json());
    for field in EVENT_FIELDS {
        for value in &values {
            let odd = field.replace('%', value);
            let body = format!(r#"{{"events": [{good}, {{{odd}}}, {good}]}}"#);
            let items = batch_of(&body).items;
            assert_eq!(items.len(), 3, "{odd}");
            assert_eq!((&items[0], &items[2]), (&expected, &expected), "{odd}");
            if let Err(kind) = &items[1] {
                assert_ne!(*kind, DecodeErrorKind::Syntax, "{odd}");
            }
            // The event alone is decoded in the same way.
            let alone = event_of(format!("{{{odd}}}")).map_err(|error| error.kind);
            if alone != Err(DecodeErrorKind::TooDeep) && items[1] != Err(DecodeErrorKind::TooDeep) {
                assert_eq!(alone, items[1], "{odd}");
            }
        }
    }
}

/// Decodes a body; returns the error.
fn error_of<T: DeserializeOwned>(
    op: OpId,
    dialect: Dialect,
    body: &str,
) -> Option<DecodeErrorKind> {
    let route = route_of(op, dialect);
    let decoded = route.decode_tolerantly::<T>(route.path, body.as_bytes());
    decoded.err().map(|error| error.kind)
}

#[test]
fn odd_values_of_sessions_changes_and_model_events_are_never_invalid_json() {
    let models = route_of(OpId::CreateModelEvents, Dialect::Legacy);
    for value in &odd_values(odd_json()) {
        let start = OpId::StartSession;
        for error in [
            error_of::<StartSession>(
                start,
                Dialect::Legacy,
                &format!(r#"{{"session": {{"metadata": {value}}}}}"#),
            ),
            error_of::<StartSession>(
                start,
                Dialect::Legacy,
                &format!(r#"{{"session": {value}}}"#),
            ),
            error_of::<CreateSession>(
                OpId::CreateSession,
                Dialect::V1,
                &format!(r#"{{"start_time": {value}}}"#),
            ),
            error_of::<EventPatch>(
                OpId::UpdateEvent,
                Dialect::Legacy,
                &format!(r#"{{"outputs": {value}}}"#),
            ),
        ] {
            assert_ne!(error, Some(DecodeErrorKind::Syntax), "{value}");
        }
        let body =
            format!(r#"{{"model_events": [{{"messages": {value}}}, {value}, {{"cost": 1}}]}}"#);
        let batch = models.decode_batch::<CreateModelEvents>(models.path, body.as_bytes());
        let items = batch.unwrap().items;
        assert_eq!(items.len(), 3, "{value}");
        assert!(items[2].is_ok(), "{value}");
    }
}

/// An input that accepts any value.
#[derive(Debug, PartialEq, serde::Deserialize)]
struct Anything {
    value: Value,
}

proptest! {
    #[test]
    fn valid_json_is_read_like_a_strict_decoder_reads_it(value in any_json()) {
        const ROUTE: Route = Route::new(Dialect::V1, Method::Post, "/v1/x", BodyKind::Json, None);
        let body = json!({"value": value}).to_string();
        let strict = ROUTE.decode::<Anything>("/v1/x", None, body.as_bytes());
        let tolerant = ROUTE.decode_tolerantly::<Anything>("/v1/x", body.as_bytes());
        prop_assert_eq!(strict, tolerant);
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        // A strict parser may round the last digit of other doubles.
        (-1_000_000..1_000_000_i32).prop_map(|number| Value::from(f64::from(number) / 64.0)),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(any::<String>(), inner, 0..4)
                .prop_map(|map| map.into_iter().collect::<Value>()),
        ]
    })
}
