//! Spans to events: the attribute table of wire.md 6.

use hh_api::attributes as names;
use hh_api::types::{EventKind, Object};
use hh_auth::ProjectId;
use http::StatusCode;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::trace::v1::Span;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::nest::{insert, restore_lists, to_json};
use crate::domain::event_limits::{limit_name, limit_start};
use crate::http::body::MAX_BODY;
use crate::http::budget::Reservation;
use crate::http::error::ApiError;
use crate::shape::{self, Shape};
use crate::store::{Body, NewEvent};

/// A span as an event that still lacks its project, on which its ids depend.
pub(crate) struct MappedSpan {
    /// The project that the span names.
    pub(crate) project: Option<String>,
    trace_id: Vec<u8>,
    span_id: Vec<u8>,
    parent_span_id: Vec<u8>,
    session: Option<String>,
    session_name: Option<String>,
    parent: Option<Uuid>,
    kind: EventKind,
    name: String,
    started: i64,
    ended: i64,
    source: String,
    /// A [`Body`], encoded: as JSON values it takes many times the memory.
    body: Vec<u8>,
}

/// Values that are read out of strings in one request. They take many times the bytes that were counted, so past
/// this a string stays a string.
const UNPACKED_VALUES: usize = 50_000;

/// The most objects that the dotted attribute names of one span may create. A name of 32 parts creates 31.
const MAX_OBJECTS: usize = 10_000;
/// What an object takes in memory, about: a node of its map, which has room for 11 members, and its name.
const OBJECT_BYTES: usize = 700;
/// Objects that memory is reserved for at one time, since the reservation takes a lock.
const OBJECTS_AT_ONCE: usize = 64;
/// What another value that is read out of a string takes in memory, about.
const VALUE_BYTES: usize = 64;

/// Memory for the values of one span; returned to the budget when the span is encoded.
struct Values<'a> {
    objects: usize,
    reserved: usize,
    reservation: &'a mut Reservation,
}

impl<'a> Values<'a> {
    fn new(reservation: &'a mut Reservation) -> Self {
        Self {
            objects: 0,
            reserved: 0,
            reservation,
        }
    }

    fn reserve(&mut self, bytes: usize) -> Result<(), ApiError> {
        self.reservation.grow_for_work(bytes)?;
        self.reserved += bytes;
        Ok(())
    }

    /// Counts an object that a dotted name is about to create.
    fn create_object(&mut self) -> Result<(), ApiError> {
        self.objects += 1;
        if self.objects > MAX_OBJECTS {
            return Err(ApiError::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "TOO_LARGE",
                format!(
                    "the dotted attribute names of a span would create more than {MAX_OBJECTS} objects; use fewer or shorter names"
                ),
            ));
        }
        if self.objects % OBJECTS_AT_ONCE == 1 {
            self.reserve(OBJECTS_AT_ONCE * OBJECT_BYTES)?;
        }
        Ok(())
    }

    /// Reserves memory for JSON that is about to be read out of a string.
    fn unpack(&mut self, shape: Shape) -> Result<(), ApiError> {
        self.reserve(shape.objects * OBJECT_BYTES + shape.elements * VALUE_BYTES)
    }
}

impl Drop for Values<'_> {
    fn drop(&mut self) {
        let held = self.reservation.held();
        self.reservation
            .shrink_to(held.saturating_sub(self.reserved));
    }
}

/// Maps every span of a request that has ids, and counts those that have none.
///
/// Each span is encoded before the next one is mapped, so that the values of one span at a time are in memory.
/// `arrived` is the time of the request in nanoseconds since 1970; `reservation` holds the encoded spans afterwards.
pub(crate) fn map(
    request: ExportTraceServiceRequest,
    arrived: i64,
    reservation: &mut Reservation,
) -> Result<(Vec<MappedSpan>, u32), ApiError> {
    let mut mapped = Vec::new();
    let mut rejected = 0;
    let mut stored = 0;
    let mut allowance = UNPACKED_VALUES;
    for group in request.resource_spans {
        for scoped in group.scope_spans {
            // Our own tracer sends lists and objects as such; others send them as JSON in a string.
            let typed = scoped.scope.is_some_and(|scope| scope.name == names::SCOPE);
            for span in scoped.spans {
                if span.trace_id.len() == 16 && span.span_id.len() == 8 {
                    let allowance = if typed { None } else { Some(&mut allowance) };
                    let span = map_span(span, arrived, allowance, Values::new(reservation))?;
                    stored += span.body.len();
                    if stored > MAX_BODY {
                        return Err(ApiError::too_large());
                    }
                    reservation.grow_for_work(span.size())?;
                    mapped.push(span);
                } else {
                    rejected += 1;
                }
            }
        }
    }
    Ok((mapped, rejected))
}

impl MappedSpan {
    /// The memory that the span takes until it is stored.
    fn size(&self) -> usize {
        let texts = [&self.project, &self.session, &self.session_name];
        let texts = texts.into_iter().flatten().map(String::len).sum::<usize>();
        size_of::<Self>() + self.body.len() + self.name.len() + self.source.len() + texts
    }

    /// Returns the event with its ids, which follow from project, trace and span, so that a resent span is the same event.
    pub(crate) fn in_project(self, project: ProjectId) -> NewEvent {
        let session = match self.session {
            Some(text) => session_id(project, &text),
            None => event_id(project, &self.trace_id, &[]),
        };
        let parent = if self.parent_span_id.len() == 8 {
            event_id(project, &self.trace_id, &self.parent_span_id)
        } else {
            self.parent.unwrap_or(session)
        };
        NewEvent {
            id: event_id(project, &self.trace_id, &self.span_id),
            session,
            session_name: self.session_name,
            parent,
            kind: self.kind,
            name: self.name,
            started: self.started,
            ended: self.ended,
            body: self.body,
            source: self.source,
        }
    }
}

/// Returns the session id of a text: the UUID it is, or one that follows from it.
pub(crate) fn session_id(project: ProjectId, text: &str) -> Uuid {
    // With a text of 17 bytes the digest would be of as many bytes as that of a trace and a span id, which a client
    // chooses: the id of the session could be made the id of an event.
    let prefix: &[u8] = if text.len() == 17 {
        b"text session"
    } else {
        b"session"
    };
    Uuid::try_parse(text).unwrap_or_else(|_| event_id(project, prefix, text.as_bytes()))
}

/// A version 8 UUID of the first bits of a digest (decisions V6).
fn event_id(project: ProjectId, trace_id: &[u8], span_id: &[u8]) -> Uuid {
    let mut digest = Sha256::new();
    digest.update(project.number().to_be_bytes());
    digest.update(trace_id);
    digest.update(span_id);
    let digest: [u8; 32] = digest.finalize().into();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    Uuid::new_v8(bytes)
}

/// What the attributes of a span say beside its body.
#[derive(Default)]
struct Labels {
    project: Option<String>,
    session: Option<String>,
    session_name: Option<String>,
    parent: Option<Uuid>,
    kind: Option<EventKind>,
    name: Option<String>,
}

/// Maps and encodes one span. `allowance` is the number of values that may still be read out of strings; `None` where
/// values came typed.
fn map_span(
    span: Span,
    arrived: i64,
    mut allowance: Option<&mut usize>,
    mut values: Values<'_>,
) -> Result<MappedSpan, ApiError> {
    let mut body = Body::default();
    let mut labels = Labels::default();
    for KeyValue { key, value, .. } in span.attributes {
        let allowance = allowance.as_deref_mut();
        let value = to_json(value);
        place(&mut body, &mut labels, &key, value, allowance, &mut values)?;
    }
    if allowance.is_some() {
        for (_, member) in members(&mut body) {
            member.values_mut().for_each(restore_lists);
        }
    }
    if body.error.is_none() {
        body.error = span.status.filter(|status| status.code == 2).map(|status| {
            match status.message.as_str() {
                "" => "error".to_owned(),
                message => message.to_owned(),
            }
        });
    }
    let kind = labels.kind.unwrap_or_else(|| guess_kind(&body.metadata));
    let nanos = |time: u64| i64::try_from(time).unwrap_or(i64::MAX);
    let mut started = nanos(span.start_time_unix_nano);
    let mut ended = nanos(span.end_time_unix_nano).max(started);
    limit_start(&mut started, &mut ended, &mut body.metadata, arrived);
    Ok(MappedSpan {
        project: labels.project,
        trace_id: span.trace_id,
        span_id: span.span_id,
        parent_span_id: span.parent_span_id,
        session: labels.session,
        session_name: labels.session_name.map(limit_name),
        parent: labels.parent,
        kind,
        name: limit_name(labels.name.unwrap_or(span.name)),
        started,
        ended,
        body: body.encode()?,
        source: body.source,
    })
}

/// The objects of a body with the prefix of the attributes that go there.
fn members(body: &mut Body) -> [(&'static str, &mut Object); 7] {
    [
        ("honeyhive_inputs.", &mut body.inputs),
        ("honeyhive_outputs.", &mut body.outputs),
        ("honeyhive_config.", &mut body.config),
        ("honeyhive_metadata.", &mut body.metadata),
        ("honeyhive_metrics.", &mut body.metrics),
        ("honeyhive_feedback.", &mut body.feedback),
        ("honeyhive_user_properties.", &mut body.user_properties),
    ]
}

fn place(
    body: &mut Body,
    labels: &mut Labels,
    key: &str,
    value: Value,
    allowance: Option<&mut usize>,
    values: &mut Values<'_>,
) -> Result<(), ApiError> {
    let association = key.strip_prefix(names::TRACELOOP_PREFIX);
    match association.map_or(key, |name| match name {
        "session_id" => names::SESSION_ID,
        "source" => names::SOURCE,
        "project" => names::PROJECT,
        other => other,
    }) {
        names::SESSION_ID => labels.session = text(value),
        names::SOURCE => body.source = text(value).unwrap_or_default(),
        names::PROJECT => labels.project = text(value),
        names::SESSION_NAME => labels.session_name = text(value),
        names::PARENT_ID => {
            labels.parent = text(value).and_then(|id| Uuid::try_parse(&id).ok());
        }
        names::EVENT_TYPE => {
            labels.kind = text(value)
                .and_then(|kind| EventKind::find(&kind))
                .filter(|kind| *kind != EventKind::Session);
        }
        names::EVENT_NAME => labels.name = text(value),
        names::ERROR => body.error = text(value),
        names::ERROR_TYPE => drop(body.metadata.insert("error_type".to_owned(), value)),
        names::DURATION_MS | names::SESSION_AUTO_CREATE | "disable_http_tracing" => {}
        other => {
            for (prefix, member) in members(body) {
                if let Some(path) = other.strip_prefix(prefix) {
                    let value = match allowance {
                        Some(allowance) => unpack(value, allowance, values)?,
                        None => value,
                    };
                    return insert(member, path, value, || values.create_object());
                }
            }
            let name = other.strip_prefix(names::BAGGAGE_PREFIX).unwrap_or(other);
            body.metadata.insert(name.to_owned(), value);
        }
    }
    Ok(())
}

/// JSON in a string is read up to this many levels, so that with those around it an event stays readable.
const MAX_DEPTH: usize = 64;

/// Reads the JSON of a list or an object that a client put into a string.
fn unpack(value: Value, allowance: &mut usize, values: &mut Values<'_>) -> Result<Value, ApiError> {
    if let Value::String(text) = &value
        && text.starts_with(['{', '['])
    {
        let shape = shape::json(text.as_bytes());
        if shape.depth <= MAX_DEPTH && shape.elements <= *allowance {
            *allowance -= shape.elements;
            values.unpack(shape)?;
            return Ok(serde_json::from_str(text).unwrap_or(value));
        }
    }
    Ok(value)
}

fn text(value: Value) -> Option<String> {
    if let Value::String(text) = value
        && !text.is_empty()
    {
        return Some(text);
    }
    None
}

/// The client rules for spans that do not say what they are.
fn guess_kind(metadata: &Object) -> EventKind {
    let is = |name: &str| metadata.get(name).and_then(Value::as_str).unwrap_or("");
    match (is("gen_ai.operation.name"), is("openinference.span.kind")) {
        ("chat" | "text_completion" | "generate_content" | "embeddings", _) | ("", "LLM") => {
            EventKind::Model
        }
        ("invoke_agent" | "create_agent" | "invoke_workflow", _) | ("", "CHAIN" | "AGENT") => {
            EventKind::Chain
        }
        _ => EventKind::Tool,
    }
}

#[cfg(test)]
mod tests;
