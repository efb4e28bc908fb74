//! Decodes OTLP trace exports in protobuf and JSON, one span at a time.
//!
//! The decoders are tolerant: one unreadable value never costs its neighbors. Invalid text is replaced with U+FFFD,
//! numbers keep their value, and a span that cannot be stored is rejected alone. `docs/design/wire.md`, section 6,
//! describes the accepted forms.

mod json;
mod protobuf;
mod span;
mod value;

pub use json::decode_json;
pub use protobuf::{decode_protobuf, decode_scope_spans};
pub use span::{DecodeSpansError, Origin, Span, SpanEvent, SpanLink, SpanSink, StatusCode};

/// The maximum depth of lists and objects in a value. The stored event is a few levels deeper, and JSON parsers stop at
/// 128 levels.
pub const MAX_VALUE_DEPTH: usize = 64;

/// The reasons for the rejection of a span. They contain no data of the span.
mod reason {
    pub(super) const TRACE_ID: &str = "the trace id is not 16 bytes, or is zero";
    pub(super) const SPAN_ID: &str = "the span id is not 8 bytes, or is zero";
    pub(super) const TIME: &str = "a time is not a number of nanoseconds from 0 to 2^64 - 1";
    pub(super) const TOO_DEEP: &str = "a value is nested deeper than 64 levels";
    pub(super) const DAMAGED: &str = "the span is damaged or truncated";
    pub(super) const DAMAGED_GROUP: &str = "a group of spans is damaged or truncated";
    pub(super) const NO_SPANS: &str = "a group of spans has no member scopeSpans or spans";
    pub(super) const NOT_TEXT: &str = "a text is an object or a list";
    pub(super) const NOT_OBJECT: &str = "a span, event, link, status or attribute is not an object";
    pub(super) const NOT_LIST: &str = "attributes, events, links or spans are not a list";
}

#[cfg(test)]
mod tests;
