//! The names of span attributes and, with the feature `otlp`, the mapping of OTLP spans to events.

#[cfg(feature = "otlp")]
mod conventions;
#[cfg(feature = "otlp")]
mod fields;
#[cfg(feature = "otlp")]
mod map;
#[cfg(feature = "otlp")]
mod nest;
#[cfg(feature = "otlp")]
mod telemetry;

#[cfg(feature = "otlp")]
pub use fields::{MapLimits, NoLimits, SpanFields};
#[cfg(feature = "otlp")]
pub use map::map_span;

/// The id of the session of a span.
pub const SESSION_ID: &str = "honeyhive.session_id";
/// The prefix of session, source and project in spans of Traceloop instrumentations.
pub const TRACELOOP_PREFIX: &str = "traceloop.association.properties.";
/// The label of the deployment.
pub const SOURCE: &str = "honeyhive.source";
/// The name of the project.
pub const PROJECT: &str = "honeyhive.project";
/// The id of the parent event, which applies if the span has no parent span.
pub const PARENT_ID: &str = "honeyhive.parent_id";
/// The name of the session, if the span creates it.
pub const SESSION_NAME: &str = "honeyhive.session_name";
/// Whether the span can create its session.
pub const SESSION_AUTO_CREATE: &str = "honeyhive.session_auto_create";
/// The type of the event.
pub const EVENT_TYPE: &str = "honeyhive_event_type";
/// The name of the event; the name of the span by default.
pub const EVENT_NAME: &str = "honeyhive_event_name";
/// The error message.
pub const ERROR: &str = "honeyhive_error";
/// The type of the error.
pub const ERROR_TYPE: &str = "honeyhive_error_type";
/// The duration, which is ignored because the span has a start and an end.
pub const DURATION_MS: &str = "honeyhive_duration_ms";
/// The prefix of baggage entries that were copied to the span.
pub const BAGGAGE_PREFIX: &str = "baggage.";
/// The instrumentation scope of the tracer of HoneyHive for Rust, which sends typed values.
pub const SCOPE: &str = "hh-sdk";
