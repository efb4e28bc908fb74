//! Maps spans to events, within the memory that a request may use.

use hh_api::attributes::{MapLimits, SCOPE, SpanFields, map_span};
use hh_api::types::EventKind;
use hh_auth::ProjectId;
use http::StatusCode;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use serde_json::Value;
use uuid::Uuid;

use crate::domain::event_ids::{
    EventIdentity, SpanIdentity, SpanParent, session_id, session_of_trace,
};
use crate::domain::event_limits::limit_start;
use crate::domain::usage::Usage;
use crate::http::body::MAX_BODY;
use crate::http::budget::Reservation;
use crate::http::error::ApiError;
use crate::limits::{self, BodyShape};
use crate::store::{Body, NewEvent};

/// A span mapped to an event without its project, which determines its ids.
pub(crate) struct MappedSpan {
    /// The project that the span names.
    pub(crate) project: Option<String>,
    trace_id: [u8; 16],
    span_id: [u8; 8],
    parent_span_id: Option<[u8; 8]>,
    session: Option<String>,
    session_name: Option<String>,
    parent: Option<Uuid>,
    kind: EventKind,
    name: String,
    started: i64,
    ended: i64,
    source: String,
    usage: Usage,
    /// An encoded [`Body`]. Its JSON values would need many times the memory.
    body: Vec<u8>,
}

/// The maximum number of values that are parsed from strings in one request.
///
/// They need many times the memory that was counted for the strings. Strings beyond the maximum remain strings.
const UNPACKED_VALUES: usize = 50_000;

/// The maximum number of objects that the dotted attribute names of one span may create. A name of 32 parts creates 31.
const MAX_OBJECTS: usize = 10_000;
/// The maximum depth of JSON that is parsed from a string, so that JSON parsers can still read the whole event.
const MAX_DEPTH: usize = 64;
/// The approximate memory of an object, in bytes: its name and a node of its map, which has room for 11 members.
const OBJECT_BYTES: usize = 700;
/// The number of objects that memory is reserved for in one step, because each reservation acquires a lock.
const OBJECTS_AT_ONCE: usize = 64;
/// The approximate memory of any other value that is parsed from a string, in bytes.
const VALUE_BYTES: usize = 64;

/// The memory for the values of one span, which is released when the span is encoded.
struct Values<'a> {
    objects: usize,
    reserved: usize,
    reservation: &'a mut Reservation,
    /// The number of values that may still be parsed from strings.
    allowance: &'a mut usize,
}

impl<'a> Values<'a> {
    fn new(reservation: &'a mut Reservation, allowance: &'a mut usize) -> Self {
        Self {
            objects: 0,
            reserved: 0,
            reservation,
            allowance,
        }
    }

    fn reserve(&mut self, bytes: usize) -> Result<(), ApiError> {
        self.reservation.grow_for_work(bytes)?;
        self.reserved += bytes;
        Ok(())
    }

    /// Reserves memory for JSON that is about to be parsed from a string.
    fn unpack(&mut self, shape: BodyShape) -> Result<(), ApiError> {
        self.reserve(shape.objects * OBJECT_BYTES + shape.elements * VALUE_BYTES)
    }
}

impl MapLimits for Values<'_> {
    type Error = ApiError;

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

    fn parse(&mut self, text: &str) -> Result<Option<Value>, ApiError> {
        let shape = limits::json(text.as_bytes());
        if shape.depth > MAX_DEPTH || shape.elements > *self.allowance {
            return Ok(None);
        }
        *self.allowance -= shape.elements;
        self.unpack(shape)?;
        Ok(serde_json::from_str(text).ok())
    }
}

impl Drop for Values<'_> {
    fn drop(&mut self) {
        let held = self.reservation.held();
        self.reservation
            .shrink_to(held.saturating_sub(self.reserved));
    }
}

/// Maps every span with valid ids, and counts the other spans.
///
/// Each span is encoded before the next one is mapped, so that only the values of one span are in memory.
/// `arrived` is the time of the request in nanoseconds since 1970. Afterwards `reservation` includes the encoded spans.
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
            // The tracer of this project sends lists and objects unchanged; others send them as JSON in a string.
            let is_typed = scoped.scope.is_some_and(|scope| scope.name == SCOPE);
            for span in scoped.spans {
                if span.trace_id.len() == 16 && span.span_id.len() == 8 {
                    let mut values = Values::new(reservation, &mut allowance);
                    let fields = map_span(span, is_typed, &mut values)?;
                    let span = MappedSpan::new(fields, arrived)?;
                    drop(values);
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
    /// Encodes the fields of a span. `arrived` is in nanoseconds since 1970.
    fn new(mut fields: SpanFields, arrived: i64) -> Result<Self, ApiError> {
        let (started, ended) = (&mut fields.started, &mut fields.ended);
        limit_start(started, ended, &mut fields.metadata, arrived);
        let body = Body {
            source: fields.source,
            config: fields.config,
            inputs: fields.inputs,
            outputs: fields.outputs,
            error: fields.error,
            metadata: fields.metadata,
            metrics: fields.metrics,
            feedback: fields.feedback,
            user_properties: fields.user_properties,
        };
        Ok(Self {
            project: fields.project,
            // `map` has checked the lengths.
            trace_id: fields.trace_id.try_into().unwrap_or_default(),
            span_id: fields.span_id.try_into().unwrap_or_default(),
            parent_span_id: fields.parent_span_id.try_into().ok(),
            session: fields.session,
            session_name: fields.session_name,
            parent: fields.parent,
            kind: fields.kind,
            name: fields.name,
            started: fields.started,
            ended: fields.ended,
            usage: Usage::of(&body),
            body: body.encode()?,
            source: body.source,
        })
    }

    /// Returns the memory that the span needs until it is stored, in bytes.
    fn size(&self) -> usize {
        let texts = [&self.project, &self.session, &self.session_name];
        let texts = texts.into_iter().flatten().map(String::len).sum::<usize>();
        size_of::<Self>() + self.body.len() + self.name.len() + self.source.len() + texts
    }

    /// Returns the event of a project. Its ids are derived from project, trace and span, so a resent span is the same
    /// event.
    pub(crate) fn in_project(self, project: ProjectId) -> NewEvent {
        let session = match self.session {
            Some(text) => session_id(project, &text),
            None => session_of_trace(project, &self.trace_id),
        };
        let parent = match self.parent_span_id {
            Some(parent) => SpanParent::Span(parent),
            None => SpanParent::Event(self.parent.unwrap_or(session)),
        };
        let identity = SpanIdentity::new(project, self.trace_id, self.span_id, parent);
        NewEvent {
            identity: EventIdentity::Span(identity),
            session,
            session_name: self.session_name,
            kind: self.kind,
            name: self.name,
            started: self.started,
            ended: self.ended,
            usage: self.usage,
            body: self.body,
            source: self.source,
        }
    }
}

#[cfg(test)]
mod tests;
