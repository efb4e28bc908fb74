//! The kinds of spans.

use hh_api::types::EventKind;

/// The kind of a span. A session is not a span: [`HoneyHiveTracer::session`](crate::HoneyHiveTracer::session) starts
/// one.
///
/// ```compile_fail,E0308
/// # fn example(tracer: hh_sdk::HoneyHiveTracer) {
/// use hh_sdk::api::types::EventKind;
///
/// // The kind of an event can be `Session`, so it is not the kind of a span.
/// drop(tracer.span("search", EventKind::Session));
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SpanKind {
    /// A step that consists of other steps.
    Chain,
    /// A call to a model.
    Model,
    /// A call to a tool.
    Tool,
}

impl From<SpanKind> for EventKind {
    fn from(kind: SpanKind) -> Self {
        match kind {
            SpanKind::Chain => Self::Chain,
            SpanKind::Model => Self::Model,
            SpanKind::Tool => Self::Tool,
        }
    }
}
