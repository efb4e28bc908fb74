//! The decoded form of a span, which is the same for all encodings.

use serde_json::Value;

use super::reason;
use crate::attributes::SCOPE;
use crate::types::Object;

/// A span of an export. Its ids are valid.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Span {
    /// The trace id, 16 bytes.
    pub trace_id: Vec<u8>,
    /// The span id, 8 bytes.
    pub span_id: Vec<u8>,
    /// The id of the parent span, 8 bytes; empty without a parent.
    pub parent_span_id: Vec<u8>,
    /// The W3C trace state.
    pub trace_state: String,
    /// The W3C trace flags and the flags of OTLP about the parent.
    pub flags: u32,
    /// The name.
    pub name: String,
    /// The number of the kind in OTLP, from 0 (unspecified) to 5 (consumer).
    pub kind: i32,
    /// The start time, in nanoseconds since 1970.
    pub start: u64,
    /// The end time, in nanoseconds since 1970.
    pub end: u64,
    /// The attributes.
    pub attributes: Vec<(String, Value)>,
    /// The number of attributes that the sender dropped.
    pub dropped_attributes: u32,
    /// The events.
    pub events: Vec<SpanEvent>,
    /// The number of events that the sender dropped.
    pub dropped_events: u32,
    /// The links to other spans.
    pub links: Vec<SpanLink>,
    /// The number of links that the sender dropped.
    pub dropped_links: u32,
    /// The status.
    pub status: StatusCode,
    /// The description of the status.
    pub status_message: String,
}

/// The status of a span.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum StatusCode {
    /// The sender set no status, or one that OTLP does not define.
    #[default]
    Unset,
    /// The operation succeeded.
    Ok,
    /// The operation failed.
    Error,
}

impl StatusCode {
    /// Returns the status with a number in OTLP.
    pub(super) fn of(number: i64) -> Self {
        match number {
            1 => Self::Ok,
            2 => Self::Error,
            _ => Self::Unset,
        }
    }
}

/// An event of a span, such as an exception.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct SpanEvent {
    /// The time, in nanoseconds since 1970.
    pub time: u64,
    /// The name.
    pub name: String,
    /// The attributes.
    pub attributes: Vec<(String, Value)>,
    /// The number of attributes that the sender dropped.
    pub dropped_attributes: u32,
}

/// A link from a span to another one.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct SpanLink {
    /// The trace id, as it was received.
    pub trace_id: Vec<u8>,
    /// The span id, as it was received.
    pub span_id: Vec<u8>,
    /// The W3C trace state.
    pub trace_state: String,
    /// The attributes.
    pub attributes: Vec<(String, Value)>,
    /// The number of attributes that the sender dropped.
    pub dropped_attributes: u32,
    /// The W3C trace flags.
    pub flags: u32,
}

/// The resource and the instrumentation scope of spans.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Origin {
    /// The attributes of the resource.
    pub resource: Object,
    /// The number of attributes of the resource that the sender dropped.
    pub dropped_resource_attributes: u32,
    /// The name of the scope.
    pub scope_name: String,
    /// The version of the scope.
    pub scope_version: String,
    /// The attributes of the scope.
    pub scope_attributes: Object,
    /// The number of attributes of the scope that the sender dropped.
    pub dropped_scope_attributes: u32,
    /// The approximate sizes of the attributes of the resource and of the scope, in bytes.
    pub(crate) sizes: [usize; 2],
}

impl Origin {
    /// Returns the origin of the spans of the tracer with the scope [`SCOPE`].
    #[must_use]
    pub fn of_tracer() -> Self {
        Self {
            scope_name: SCOPE.to_owned(),
            ..Self::default()
        }
    }

    /// Returns whether lists and objects arrive unchanged. Other tracers send them as JSON strings, or as names with
    /// numbers.
    #[must_use]
    pub fn is_typed(&self) -> bool {
        self.scope_name == SCOPE
    }

    /// Returns the approximate size of the attributes, in bytes. Each span of the origin is stored with a copy of them.
    #[must_use]
    pub fn size(&self) -> usize {
        self.sizes.iter().sum()
    }

    /// Measures the attributes, once they are read.
    pub(super) fn measure_resource(&mut self) {
        self.sizes[0] = size_of_members(&self.resource);
    }

    /// Measures the attributes, once they are read.
    pub(super) fn measure_scope(&mut self) {
        self.sizes[1] = size_of_members(&self.scope_attributes);
    }

    /// Forgets the scope, before the spans of another scope of the same resource.
    pub(super) fn clear_scope(&mut self) {
        self.scope_name.clear();
        self.scope_version.clear();
        self.scope_attributes.clear();
        self.dropped_scope_attributes = 0;
        self.sizes[1] = 0;
    }
}

/// Returns the approximate memory of the members of an object, in bytes.
fn size_of_members(members: &Object) -> usize {
    let sizes = members
        .iter()
        .map(|(name, value)| 32 + name.len() + size_of_value(value));
    sizes.sum()
}

fn size_of_value(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len(),
        Value::Array(items) => items.iter().map(|item| 32 + size_of_value(item)).sum(),
        Value::Object(members) => size_of_members(members),
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    }
}

/// A receiver of the spans of an export.
pub trait SpanSink {
    /// The error that stops the decoder.
    type Error;

    /// Receives a span. The ids of the span are valid.
    ///
    /// # Errors
    /// An error of the implementation that concerns the whole export.
    fn span(&mut self, origin: &Origin, span: Span) -> Result<(), Self::Error>;

    /// Counts a span that is rejected alone. The reason contains no data of the span.
    fn reject(&mut self, reason: &'static str);
}

/// The error for an export that cannot be decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DecodeSpansError<E> {
    /// The bytes are not valid protobuf or JSON. JSON has the line and the column of the error, starting at 1.
    Malformed {
        /// The line and the column.
        place: Option<(usize, usize)>,
    },
    /// The body is something else than an export of traces. The text names what was found and what was expected.
    NotTraces(&'static str),
    /// The receiver of the spans failed.
    Sink(E),
}

/// Checks the ids of a span and clears the id of a parent that does not exist.
///
/// An id of zeros is invalid in OTLP; as the id of a parent, it means that the span has no parent.
pub(super) fn check_ids(span: &mut Span) -> Result<(), &'static str> {
    let is_zero = |id: &[u8]| id.iter().all(|byte| *byte == 0);
    if span.trace_id.len() != 16 || is_zero(&span.trace_id) {
        return Err(reason::TRACE_ID);
    }
    if span.span_id.len() != 8 || is_zero(&span.span_id) {
        return Err(reason::SPAN_ID);
    }
    if span.parent_span_id.len() != 8 || is_zero(&span.parent_span_id) {
        span.parent_span_id.clear();
    }
    Ok(())
}
