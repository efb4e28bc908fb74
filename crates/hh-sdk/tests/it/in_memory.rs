//! The in-memory exporter has the same events as a server.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use hh_sdk::api::types::{Event, ExportEvents, Filter};
use hh_sdk::auth::Level;
use hh_sdk::{HoneyHive, HoneyHiveTracer, InMemoryExporter, Session, SpanKind};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use uuid::Uuid;

use crate::network::LONG;
use crate::support::{TestServer, empty_env};

/// A call to a setter: the setter, the name and the value.
type Call = (u8, String, Value);

#[derive(Clone, Debug)]
struct Step {
    name: String,
    kind: SpanKind,
    is_child: bool,
    error: Option<String>,
    calls: Vec<Call>,
}

/// Names that often collide, and others.
fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => "[ab](\\.[ab]){0,3}",
        2 => "[ab.]{0,5}",
        2 => "[a-z0-9_.\\- ]{1,30}",
        1 => "(a\\.){25,45}[ab]",
        1 => any::<String>(),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        Just(json!("[not a list]")),
        Just(json!("{\"not\": \"an object\"}")),
        "[A-Za-z0-9]{16,20}".prop_map(|tail| format!("my key is hh_{tail}").into()),
    ];
    leaf.prop_recursive(40, 60, 4, |inner| {
        let member = prop_oneof!["[ab.0-2]{0,3}", any::<String>()];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map(member, inner.clone(), 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
            (inner, 20..60)
                .prop_map(|(inner, levels)| { (0..levels).fold(inner, |below, _| json!([below])) }),
        ]
    })
}

fn step() -> impl Strategy<Value = Step> {
    let name_of_span = prop_oneof![
        4 => "[a-z]{0,9}",
        1 => any::<String>(),
        1 => "[a-zé]{900,1200}",
    ];
    let calls = prop::collection::vec((0..6_u8, name(), value()), 0..10);
    let error = prop::option::weighted(0.2, any::<String>());
    let kind = prop::sample::select(&[SpanKind::Chain, SpanKind::Model, SpanKind::Tool][..]);
    (name_of_span, kind, any::<bool>(), error, calls).prop_map(
        |(name, kind, is_child, error, calls)| Step {
            name,
            kind,
            is_child,
            error,
            calls,
        },
    )
}

/// Records the spans in a session; the name of each contains its number.
fn record(session: &Session, steps: &[Step]) {
    let parent = session.span("parent", SpanKind::Chain).start();
    for (number, step) in steps.iter().enumerate() {
        let name = format!("{number} {}", step.name);
        let mut builder = if step.is_child {
            parent.child(&name, step.kind)
        } else {
            session.span(&name, step.kind)
        };
        for (setter, name, value) in &step.calls {
            builder = match setter {
                0 => builder.with_input(name, value),
                1 => builder.with_config(name, value),
                2 => builder.with_metadata(name, value),
                _ => builder,
            };
        }
        let mut span = builder.start();
        for (setter, name, value) in &step.calls {
            match setter {
                3 => span.set_output(name, value),
                4 => span.set_metadata(name, value),
                5 => span.set_metric(name, value),
                _ => {}
            }
        }
        if let Some(error) = &step.error {
            span.set_error(error);
        }
        span.end();
    }
}

/// Replaces ids by names and removes times, so that events of the same spans are equal.
fn comparable(mut events: Vec<Event>, session: Uuid) -> Vec<Event> {
    events.retain(|event| event.session_id == session && event.event_id != session);
    let id = |name: &str| {
        let mut hasher = DefaultHasher::new();
        name.hash(&mut hasher);
        Uuid::from_u64_pair(0, hasher.finish())
    };
    let mut ids: BTreeMap<_, _> = events
        .iter()
        .map(|event| (event.event_id, id(&event.event_name)))
        .collect();
    ids.insert(session, id("session"));
    for event in &mut events {
        event.event_id = ids[&event.event_id];
        event.session_id = ids[&event.session_id];
        event.parent_id = event.parent_id.map(|parent| ids[&parent]);
        event.project_id.clear();
        assert!(event.end_time >= event.start_time);
        assert!((event.end_time - event.start_time - event.duration).abs() < 0.001);
        (event.start_time, event.end_time, event.duration) = (0.0, 0.0, 0.0);
    }
    events.sort_by(|a, b| a.event_name.cmp(&b.event_name));
    events
}

/// The same spans in memory and on a server.
struct TwoTracers {
    runtime: Runtime,
    _server: TestServer,
    client: HoneyHive,
    tracer: HoneyHiveTracer,
    exporter: InMemoryExporter,
    in_memory: HoneyHiveTracer,
}

impl TwoTracers {
    fn start() -> Self {
        let runtime = Runtime::new().unwrap();
        let server = runtime.block_on(TestServer::start());
        let key = runtime.block_on(server.key(Level::ReadWrite, "default"));
        let exporter = InMemoryExporter::new();
        let builder = || HoneyHiveTracer::builder().with_env(empty_env());
        let tracer = builder()
            .with_base_url(&server.url)
            .with_api_key(key.clone());
        let in_memory = builder().with_in_memory_exporter(&exporter);
        Self {
            client: server.client(&key),
            tracer: tracer.build().unwrap(),
            in_memory: in_memory.build().unwrap(),
            exporter,
            runtime,
            _server: server,
        }
    }

    /// Returns the events in memory and those on the server.
    fn events(&self, record: impl Fn(&Session)) -> [Vec<Event>; 2] {
        let session = self.in_memory.session("s").start();
        record(&session);
        let in_memory = comparable(self.exporter.events(), session.id());
        self.exporter.clear();
        let session = self.tracer.session("s").start();
        record(&session);
        self.tracer.flush_blocking(LONG).unwrap();
        let query = ExportEvents {
            filters: vec![Filter::is("session_id", &session.id().to_string())],
            ..ExportEvents::default()
        };
        let page = self.runtime.block_on(self.client.export_events(query));
        [in_memory, comparable(page.unwrap().events, session.id())]
    }
}

#[test]
fn events_in_memory_and_on_a_server_are_equal() {
    let both = TwoTracers::start();
    let mut runner = TestRunner::new(Config {
        cases: 64,
        failure_persistence: None,
        max_shrink_iters: 500,
        ..Config::default()
    });
    let steps = prop::collection::vec(step(), 1..12);
    let outcome = runner.run(&steps, |steps| {
        let [in_memory, stored] = both.events(|session| record(session, &steps));
        prop_assert_eq!(in_memory.len(), steps.len() + 1);
        prop_assert_eq!(in_memory, stored);
        Ok(())
    });
    outcome.unwrap();
}

#[test]
fn dotted_names_that_collide_lose_no_value() {
    let both = TwoTracers::start();
    for (names, expected) in [
        (&["a.b", "a"][..], json!({"a.b": 0, "a": 1})),
        (&["a", "a.b"], json!({"a": 0, "a.b": 1})),
        // A second value with the same name replaces the first.
        (&["a.b", "a.b"], json!({"a": {"b": 1}})),
        (&["a.b", "a.c"], json!({"a": {"b": 0, "c": 1}})),
        (
            &["a.b.c", "a.b", "a", "a.b.c.d"],
            json!({"a.b.c": 0, "a.b": 1, "a": 2, "a.b.c.d": 3}),
        ),
    ] {
        let [in_memory, stored] = both.events(|session| {
            let mut builder = session.span("0", SpanKind::Tool);
            for (name, value) in names.iter().zip(0..) {
                builder = builder.with_input(name, value);
            }
            builder.start().end();
        });
        assert_eq!(in_memory, stored, "{names:?}");
        assert_eq!(Value::Object(in_memory[0].inputs.clone()), expected);
    }
}

#[test]
fn names_inside_an_object_value_are_literal() {
    let both = TwoTracers::start();
    let models = json!({"gpt-4.1": 1, "a": {"b.c": [{"d.e": null}]}});
    let [in_memory, stored] = both.events(|session| {
        let span = session.span("0", SpanKind::Model);
        span.with_metadata("models", &models).start().end();
    });
    assert_eq!(in_memory, stored);
    assert_eq!(in_memory[0].metadata["models"], models);
}
