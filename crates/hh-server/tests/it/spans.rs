//! Provides spans for tests.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message as _;

/// The start time of the spans, in Unix nanoseconds.
pub(crate) const BASE: u64 = 1_795_461_676_000_000_000;
/// A session id that is a UUID.
pub(crate) const SESSION: &str = "6ba7b810-9dad-41d1-80b4-00c04fd430c8";

pub(crate) fn attribute(key: &str, value: Any) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value: Some(value) }),
        ..KeyValue::default()
    }
}

pub(crate) fn label(key: &str, value: &str) -> KeyValue {
    attribute(key, Any::StringValue(value.to_owned()))
}

/// Returns a span of one trace that is identified by its number. It starts this number of milliseconds after `BASE` and
/// takes one millisecond.
pub(crate) fn span(number: u8, parent: Option<u8>, attributes: Vec<KeyValue>) -> Span {
    let id = |number: u8| vec![number; 8];
    let start = BASE + u64::from(number) * 1_000_000;
    Span {
        trace_id: vec![7; 16],
        span_id: id(number),
        parent_span_id: parent.map(id).unwrap_or_default(),
        name: format!("span {number}"),
        start_time_unix_nano: start,
        end_time_unix_nano: start + 1_000_000,
        attributes,
        ..Span::default()
    }
}

/// Returns a root span in a session.
pub(crate) fn in_session(number: u8, session: &str) -> Span {
    span(number, None, vec![label("honeyhive.session_id", session)])
}

pub(crate) fn encode(spans: Vec<Span>) -> Vec<u8> {
    let scoped = ScopeSpans {
        scope: Some(InstrumentationScope {
            name: "test".to_owned(),
            ..InstrumentationScope::default()
        }),
        spans,
        ..ScopeSpans::default()
    };
    let group = ResourceSpans {
        scope_spans: vec![scoped],
        ..ResourceSpans::default()
    };
    ExportTraceServiceRequest {
        resource_spans: vec![group],
    }
    .encode_to_vec()
}
