//! Names of span attributes of the OTLP contract, and with the feature `otlp` what they mean.

#[cfg(feature = "otlp")]
mod map;
#[cfg(feature = "otlp")]
mod nest;

#[cfg(feature = "otlp")]
pub use map::{MapLimits, NoLimits, SpanFields, map_span};

/// The session a span belongs to.
pub const SESSION_ID: &str = "honeyhive.session_id";
/// The same, as Traceloop's instrumentation writes it.
pub const TRACELOOP_PREFIX: &str = "traceloop.association.properties.";
/// The label of the deployment.
pub const SOURCE: &str = "honeyhive.source";
/// The project.
pub const PROJECT: &str = "honeyhive.project";
/// An event that is the parent, in place of the parent span.
pub const PARENT_ID: &str = "honeyhive.parent_id";
/// The name of a session that a span may create.
pub const SESSION_NAME: &str = "honeyhive.session_name";
/// Whether a span may create its session.
pub const SESSION_AUTO_CREATE: &str = "honeyhive.session_auto_create";
/// The event type.
pub const EVENT_TYPE: &str = "honeyhive_event_type";
/// The event name, else the span's.
pub const EVENT_NAME: &str = "honeyhive_event_name";
/// The error text.
pub const ERROR: &str = "honeyhive_error";
/// The kind of the error.
pub const ERROR_TYPE: &str = "honeyhive_error_type";
/// A duration that the span's own times make superfluous.
pub const DURATION_MS: &str = "honeyhive_duration_ms";
/// Prefix of baggage that was copied to the span.
pub const BAGGAGE_PREFIX: &str = "baggage.";
/// The instrumentation scope of our own tracer, whose values keep their types on the wire.
pub const SCOPE: &str = "hh-sdk";
