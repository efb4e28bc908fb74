//! The exporter that stores telemetry in memory, for tests.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hh_api::attributes::{NoLimits, SpanFields, map_span};
use hh_api::otlp::{Origin, Span, SpanSink, decode_scope_spans};
use hh_api::types::{Event, EventKind, EventPatch, Object, StartSession};
use hh_api::{limit_name, to_millis};
use hh_transport::BoxFuture;
use serde::Deserialize;
use uuid::Uuid;

use super::{Block, Delivery, Exporter, Outcome};
use crate::tracer::block::Content;

/// An exporter for tests that stores the sessions and spans of a tracer in memory, as events.
///
/// Clones share the events. The events of spans are equal to those that a HoneyHive server stores, except for their
/// ids and for `project_id`, which is the name of the project. A tracer with this exporter opens no connection and
/// needs no API key.
///
/// # Examples
/// ```
/// use hh_sdk::{HoneyHiveTracer, InMemoryExporter, SpanKind};
///
/// let exporter = InMemoryExporter::new();
/// let tracer = HoneyHiveTracer::builder()
///     .with_env(hh_sdk::config::Env::from_pairs::<&str, &str>([]))
///     .with_in_memory_exporter(&exporter)
///     .build()?;
/// let mut span = tracer.span("search", SpanKind::Tool).with_input("query", "why").start();
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
    /// Creates an exporter without events.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the recorded events in order. A session is added when it starts, and a span when it ends.
    #[must_use]
    pub fn events(&self) -> Vec<Event> {
        self.lock().clone()
    }

    /// Removes all events.
    pub fn clear(&self) {
        self.lock().clear();
    }

    /// Stores the telemetry of a block.
    fn insert(&self, block: &Block) {
        match block.content() {
            Content::Spans => {
                let mut events = Spans::default();
                let Ok(()) = decode_scope_spans(block.body(), &Origin::of_tracer(), &mut events);
                self.lock().extend(events.0);
            }
            Content::SessionStart => {
                let start = serde_json::from_slice::<SessionStart>(block.body());
                self.lock()
                    .extend(start.ok().map(|start| started(start.session)));
            }
            Content::SessionChange => {
                if let Ok(patch) = serde_json::from_slice::<EventPatch>(block.body()) {
                    let mut events = self.lock();
                    let mut events = events.iter_mut();
                    if let Some(event) = events.find(|old| old.event_id == patch.event_id) {
                        merge(event, patch);
                    }
                }
            }
        }
    }

    /// Locks the events.
    fn lock(&self) -> MutexGuard<'_, Vec<Event>> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Exporter for InMemoryExporter {
    fn delivery(&self) -> Delivery {
        Delivery::Immediate
    }

    fn export<'a>(&'a mut self, blocks: &'a [Block]) -> BoxFuture<'a, Outcome> {
        for block in blocks {
            self.insert(block);
        }
        Box::pin(std::future::ready(Outcome::Delivered))
    }
}

/// The events of decoded spans.
#[derive(Default)]
struct Spans(Vec<Event>);

impl SpanSink for Spans {
    type Error = Infallible;

    fn span(&mut self, origin: &Origin, span: Span) -> Result<(), Infallible> {
        let Ok(fields) = map_span(span, origin, &mut NoLimits);
        self.0.push(event_of(fields));
        Ok(())
    }

    /// The tracer sends no span that is rejected.
    fn reject(&mut self, _: &'static str) {}
}

/// The body of the start of a session.
#[derive(Deserialize)]
struct SessionStart {
    session: StartSession,
}

/// Returns the event of a session that started.
fn started(session: StartSession) -> Event {
    let id = session.session_id.as_deref().and_then(|id| id.parse().ok());
    let id = id.unwrap_or_default();
    let start = session.start_time.unwrap_or_default();
    Event {
        event_id: id,
        session_id: id,
        parent_id: None,
        event_type: EventKind::Session,
        event_name: limit_name(session.session_name.unwrap_or_default()),
        source: session.source.unwrap_or_default(),
        project_id: session.project.unwrap_or_default(),
        config: session.config,
        inputs: session.inputs,
        outputs: Object::new(),
        error: None,
        start_time: start,
        end_time: start,
        duration: 0.0,
        metadata: session.metadata,
        metrics: Object::new(),
        feedback: Object::new(),
        user_properties: session.user_properties,
    }
}

/// Returns the event of a span.
fn event_of(fields: SpanFields) -> Event {
    let id = |span_id: &[u8]| {
        let mut bytes = [0; 16];
        let all = fields.trace_id.iter().take(8).chain(span_id);
        bytes.iter_mut().zip(all).for_each(|(to, from)| *to = *from);
        Uuid::from_bytes(bytes)
    };
    let session = fields.session.as_deref().and_then(|id| id.parse().ok());
    let session = session.unwrap_or_default();
    let parent = match &fields.parent_span_id[..] {
        parent if parent.len() == 8 => id(parent),
        _ => fields.parent.unwrap_or(session),
    };
    Event {
        event_id: id(&fields.span_id),
        session_id: session,
        parent_id: Some(parent),
        event_type: fields.kind,
        event_name: fields.name,
        source: fields.source,
        project_id: fields.project.unwrap_or_default(),
        config: fields.config,
        inputs: fields.inputs,
        outputs: fields.outputs,
        error: fields.error,
        start_time: to_millis(fields.started),
        end_time: to_millis(fields.ended),
        duration: to_millis(fields.ended.saturating_sub(fields.started)),
        metadata: fields.metadata,
        metrics: fields.metrics,
        feedback: fields.feedback,
        user_properties: fields.user_properties,
    }
}

/// Merges a session change into the event of the session.
fn merge(event: &mut Event, patch: EventPatch) {
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
        object.extend(more.unwrap_or_default());
    }
}
