//! Keeps telemetry in memory in place of sending it, so that a test can look at it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hh_api::attributes as names;
use hh_api::types::{Event, EventKind, EventPatch, Object, StartSession};
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::Span as Wire;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::queue::Job;
use super::redact::{Own, redact_json, redact_span};

/// Keeps the sessions and spans of a tracer as events, in the order they came; clones share them.
///
/// A tracer that is built with one opens no connection and needs no key.
///
/// ```
/// use hh_sdk::{EventKind, HoneyHiveTracer, InMemoryExporter};
///
/// let exporter = InMemoryExporter::new();
/// let tracer = HoneyHiveTracer::builder()
///     .with_env(hh_sdk::config::Env::from_pairs::<&str, &str>([]))
///     .with_in_memory_exporter(&exporter)
///     .build()?;
/// let mut span = tracer.span("search", EventKind::Tool).with_input("query", "why").start();
/// span.set_output("hits", 2);
/// span.end();
///
/// let events = exporter.events();
/// assert_eq!(events[1].event_name, "search");
/// assert_eq!((&events[1].inputs["query"], &events[1].outputs["hits"]), (&"why".into(), &2.into()));
/// assert_eq!(events[1].parent_id, Some(tracer.session_id()));
/// # Ok::<(), hh_sdk::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct InMemoryExporter {
    events: Arc<Mutex<Vec<Event>>>,
}

impl InMemoryExporter {
    /// Makes an exporter that has nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns what was recorded so far: a session when it starts, a span when it ends.
    #[must_use]
    pub fn events(&self) -> Vec<Event> {
        self.lock().clone()
    }

    /// Forgets everything.
    pub fn clear(&self) {
        self.lock().clear();
    }

    pub(super) fn keep(&self, job: Job, own: &Own) {
        match job {
            Job::Start(session) => self.lock().push(started(*session, own)),
            Job::Span(mut span) => {
                redact_span(&mut span, own);
                self.lock().push(ended(*span));
            }
            Job::Update(patch) => {
                let mut events = self.lock();
                let event = events.iter_mut().find(|old| old.event_id == patch.event_id);
                if let Some(event) = event {
                    merge(event, *patch, own);
                }
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Event>> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An event that has nothing but its place.
fn blank(id: Uuid, session: Uuid, kind: EventKind, name: String, start: f64) -> Event {
    Event {
        event_id: id,
        session_id: session,
        parent_id: None,
        event_type: kind,
        event_name: name,
        source: String::new(),
        project_id: String::new(),
        config: Object::new(),
        inputs: Object::new(),
        outputs: Object::new(),
        error: None,
        start_time: start,
        end_time: start,
        duration: 0.0,
        metadata: Object::new(),
        metrics: Object::new(),
        feedback: Object::new(),
        user_properties: Object::new(),
    }
}

fn started(mut session: StartSession, own: &Own) -> Event {
    if let Some(name) = &mut session.session_name {
        *name = own.redact(name).into_owned();
    }
    let id = session.session_id.as_deref().and_then(|id| id.parse().ok());
    let id = id.unwrap_or_default();
    let clean = |object: Object| {
        let mut value = Value::Object(object);
        redact_json(&mut value, own);
        members(value)
    };
    let start = session.start_time.unwrap_or_default();
    let name = session.session_name.unwrap_or_default();
    Event {
        source: session.source.unwrap_or_default(),
        project_id: session.project.unwrap_or_default(),
        inputs: clean(session.inputs),
        config: clean(session.config),
        metadata: clean(session.metadata),
        user_properties: clean(session.user_properties),
        ..blank(id, id, EventKind::Session, name, start)
    }
}

fn ended(span: Wire) -> Event {
    let id = |span_id: &[u8]| {
        let mut bytes = [0; 16];
        let all = span.trace_id.iter().take(8).chain(span_id);
        bytes.iter_mut().zip(all).for_each(|(to, from)| *to = *from);
        Uuid::from_bytes(bytes)
    };
    let event_id = id(&span.span_id);
    let parent = (!span.parent_span_id.is_empty()).then(|| id(&span.parent_span_id));
    let start = crate::ids::millis(span.start_time_unix_nano);
    let mut event = blank(event_id, Uuid::nil(), EventKind::Tool, span.name, start);
    event.end_time = crate::ids::millis(span.end_time_unix_nano);
    event.duration = event.end_time - event.start_time;
    for attribute in span.attributes {
        put(&mut event, attribute);
    }
    event.parent_id = Some(parent.unwrap_or(event.session_id));
    event
}

fn put(event: &mut Event, attribute: KeyValue) {
    let KeyValue { key, value, .. } = attribute;
    let value = value.map_or(Value::Null, to_json);
    let text = value.as_str().map(str::to_owned).unwrap_or_default();
    match key.as_str() {
        names::SESSION_ID => event.session_id = text.parse().unwrap_or_default(),
        names::EVENT_TYPE => {
            event.event_type = serde_json::from_value(value).unwrap_or(EventKind::Tool);
        }
        names::SOURCE => event.source = text,
        names::PROJECT => event.project_id = text,
        names::ERROR => event.error = Some(text),
        _ => {
            let member = key
                .strip_prefix("honeyhive_")
                .and_then(|k| k.split_once('.'));
            let (object, name) = match member {
                Some(("inputs", name)) => (&mut event.inputs, name),
                Some(("outputs", name)) => (&mut event.outputs, name),
                Some(("config", name)) => (&mut event.config, name),
                Some(("metrics", name)) => (&mut event.metrics, name),
                Some(("metadata", name)) => (&mut event.metadata, name),
                Some(_) | None => (&mut event.metadata, key.as_str()),
            };
            object.insert(name.to_owned(), value);
        }
    }
}

fn merge(event: &mut Event, patch: EventPatch, own: &Own) {
    if let Some(end) = patch.end_time {
        event.end_time = end;
        event.duration = end - event.start_time;
    }
    for (object, more) in [
        (&mut event.metadata, patch.metadata),
        (&mut event.feedback, patch.feedback),
        (&mut event.metrics, patch.metrics),
        (&mut event.config, patch.config),
        (&mut event.user_properties, patch.user_properties),
        (&mut event.outputs, patch.outputs),
    ] {
        let mut more = Value::Object(more.unwrap_or_default());
        redact_json(&mut more, own);
        object.extend(members(more));
    }
}

fn members(value: Value) -> Object {
    match value {
        Value::Object(members) => members,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Map::new()
        }
    }
}

fn to_json(value: AnyValue) -> Value {
    match value.value {
        Some(Any::StringValue(text)) => text.into(),
        Some(Any::BoolValue(flag)) => flag.into(),
        Some(Any::IntValue(number)) => number.into(),
        Some(Any::DoubleValue(number)) => number.into(),
        Some(Any::ArrayValue(array)) => array.values.into_iter().map(to_json).collect(),
        Some(Any::KvlistValue(list)) => Value::Object(
            list.values
                .into_iter()
                .map(|pair| (pair.key, pair.value.map_or(Value::Null, to_json)))
                .collect(),
        ),
        // The tracer makes no others.
        Some(_) | None => Value::Null,
    }
}
