//! Maps spans to events, within the memory that a request may use.

use hh_api::attributes::{MapLimits, SpanFields};
use hh_api::types::EventKind;
use hh_auth::ProjectId;
use http::StatusCode;
use serde_json::Value;
use uuid::Uuid;

use crate::domain::event_ids::{
    EventIdentity, SpanIdentity, SpanParent, session_id, session_of_trace,
};
use crate::domain::event_limits::limit_start;
use crate::domain::usage::Usage;
use crate::http::budget::Reservation;
use crate::http::error::ApiError;
use crate::limits::{self, BodyShape};
use crate::redact::redact_value;
use crate::store::{Body, NewEvent};

/// A span mapped to an event without its project, which determines its ids.
pub(crate) struct MappedSpan {
    /// The project that the span names.
    pub(crate) project: Option<String>,
    pub(super) trace_id: [u8; 16],
    span_id: [u8; 8],
    pub(super) parent_span_id: Option<[u8; 8]>,
    pub(super) session: Option<String>,
    /// Whether the span joins the session of earlier spans of its trace instead, if there are any.
    pub(super) joins_trace: bool,
    pub(super) session_name: Option<String>,
    pub(super) parent: Option<Uuid>,
    kind: EventKind,
    pub(super) name: String,
    pub(super) started: i64,
    ended: i64,
    source: String,
    usage: Usage,
    /// An encoded [`Body`]. Its JSON values would need many times the memory.
    pub(super) body: Vec<u8>,
}

/// The maximum number of values that are parsed from strings in one request.
///
/// They need many times the memory that was counted for the strings. Strings beyond the maximum remain strings.
pub(super) const UNPACKED_VALUES: usize = 50_000;

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
pub(super) struct Values<'a> {
    objects: usize,
    reserved: usize,
    reservation: &'a mut Reservation,
    /// The number of values that may still be parsed from strings.
    allowance: &'a mut usize,
    redacts: bool,
}

impl<'a> Values<'a> {
    /// `redacts` removes API keys from values that are parsed from strings, where escapes can hide them.
    pub(super) fn new(
        reservation: &'a mut Reservation,
        allowance: &'a mut usize,
        redacts: bool,
    ) -> Self {
        Self {
            objects: 0,
            reserved: 0,
            reservation,
            allowance,
            redacts,
        }
    }

    pub(super) fn reserve(&mut self, bytes: usize) -> Result<(), ApiError> {
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
        let mut value = serde_json::from_str(text).ok();
        if self.redacts
            && let Some(value) = &mut value
        {
            redact_value(value);
        }
        Ok(value)
    }
}

impl Drop for Values<'_> {
    fn drop(&mut self) {
        let held = self.reservation.held();
        self.reservation
            .shrink_to(held.saturating_sub(self.reserved));
    }
}

impl MappedSpan {
    /// Encodes the fields of a span. `arrived` is in nanoseconds since 1970.
    pub(super) fn new(mut fields: SpanFields, arrived: i64) -> Result<Self, ApiError> {
        if fields.started == 0 {
            // The span has neither a start nor an end.
            (fields.started, fields.ended) = (arrived, arrived);
        }
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
            // The decoder has checked the lengths.
            trace_id: fields.trace_id.try_into().unwrap_or_default(),
            span_id: fields.span_id.try_into().unwrap_or_default(),
            parent_span_id: fields.parent_span_id.try_into().ok(),
            joins_trace: fields.session_is_inferred || fields.session.is_none(),
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
    pub(super) fn size(&self) -> usize {
        let texts = [&self.project, &self.session, &self.session_name];
        let texts = texts.into_iter().flatten().map(String::len).sum::<usize>();
        size_of::<Self>() + self.body.len() + self.name.len() + self.source.len() + texts
    }

    /// Returns what identifies the session of the span within an export: its text, or else the trace.
    pub(super) fn session_key(&self) -> &[u8] {
        self.session
            .as_ref()
            .map_or(&self.trace_id, |session| session.as_bytes())
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
            None => self.parent.map_or(SpanParent::Session, SpanParent::Event),
        };
        let identity = SpanIdentity::new(project, self.trace_id, self.span_id, parent);
        NewEvent {
            identity: EventIdentity::Span(identity),
            session,
            joins_trace: self.joins_trace,
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
