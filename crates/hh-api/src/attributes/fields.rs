//! The fields of an event that come from a span, and the limits of the mapping.

use std::convert::Infallible;

use serde_json::Value;
use uuid::Uuid;

use crate::types::{EventKind, Object};

/// The fields of the event of a span, except its ids, which depend on where the event is stored.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct SpanFields {
    /// The trace id, unchanged.
    pub trace_id: Vec<u8>,
    /// The span id, unchanged.
    pub span_id: Vec<u8>,
    /// The id of the parent span, unchanged; empty without one.
    pub parent_span_id: Vec<u8>,
    /// The name of the project.
    pub project: Option<String>,
    /// The session: a UUID or another text.
    pub session: Option<String>,
    /// Whether the session comes from an attribute of another instrumentation, such as `session.id`. Usually, only some
    /// spans of a trace have such an attribute.
    pub session_is_inferred: bool,
    /// The name of the session, if the span creates it.
    pub session_name: Option<String>,
    /// The id of the parent event, which applies if the span has no parent span.
    pub parent: Option<Uuid>,
    /// The type of the event.
    pub kind: EventKind,
    /// The name of the event.
    pub name: String,
    /// The label of the deployment; empty if the span does not have one.
    pub source: String,
    /// The start time, in nanoseconds since 1970; the end time if the span has no start, and 0 without both.
    pub started: i64,
    /// The end time, in nanoseconds since 1970; not before the start.
    pub ended: i64,
    /// The error message, if the step failed.
    pub error: Option<String>,
    /// The inputs of the step.
    pub inputs: Object,
    /// The outputs of the step.
    pub outputs: Object,
    /// The configuration of the step.
    pub config: Object,
    /// Additional data.
    pub metadata: Object,
    /// The metrics, such as scores.
    pub metrics: Object,
    /// The feedback of users.
    pub feedback: Object,
    /// Properties of the user of the session.
    pub user_properties: Object,
}

/// The limits on the memory that the mapping of foreign spans uses.
pub trait MapLimits {
    /// The error for a span that exceeds a limit.
    type Error;

    /// Counts an object that a dotted name creates.
    ///
    /// # Errors
    /// An error of the implementation if the span exceeds the limit.
    fn create_object(&mut self) -> Result<(), Self::Error>;

    /// Parses a list or an object in a JSON string; returns `None` to leave the string unchanged.
    ///
    /// # Errors
    /// An error of the implementation if the memory limit does not allow the value.
    fn parse(&mut self, text: &str) -> Result<Option<Value>, Self::Error>;
}

/// An implementation without limits, for spans of the same process.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "it has no state")]
pub struct NoLimits;

impl MapLimits for NoLimits {
    type Error = Infallible;

    fn create_object(&mut self) -> Result<(), Infallible> {
        Ok(())
    }

    fn parse(&mut self, text: &str) -> Result<Option<Value>, Infallible> {
        Ok(serde_json::from_str(text).ok())
    }
}

/// Parses a list or an object in a JSON string; returns any other value unchanged.
pub(super) fn parsed<L: MapLimits>(value: Value, limits: &mut L) -> Result<Value, L::Error> {
    if let Value::String(text) = &value
        && text.starts_with(['{', '['])
        && let Some(parsed) = limits.parse(text)?
    {
        return Ok(parsed);
    }
    Ok(value)
}

/// Returns a text that is not empty.
pub(super) fn text(value: Value) -> Option<String> {
    if let Value::String(text) = value
        && !text.is_empty()
    {
        return Some(text);
    }
    None
}
