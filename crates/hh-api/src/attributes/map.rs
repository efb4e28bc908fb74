//! Maps OTLP spans to the fields of events, for the server and the in-memory exporter of the SDK.

use std::collections::BTreeMap;
use std::convert::Infallible;

use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::trace::v1::Span;
use serde_json::Value;
use uuid::Uuid;

use super::nest::{insert, restore_lists, to_json};
use crate::attributes as names;
use crate::limit_name;
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
    /// The start time, in nanoseconds since 1970.
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

/// Maps a span to the fields of its event.
///
/// `is_typed` is true for spans of the tracer with the scope [`SCOPE`](names::SCOPE), which sends lists and objects
/// unchanged. Other tracers send them as JSON strings, or as names with numbers.
///
/// Dots in the name of a value nest: `a.b` becomes the member `b` of the object `a`. If that would overwrite another
/// value, the whole name stays flat. Names inside an object value are literal. If two attributes have the same name,
/// the last one applies.
///
/// # Errors
/// The errors of `limits`.
pub fn map_span<L: MapLimits>(
    span: Span,
    is_typed: bool,
    limits: &mut L,
) -> Result<SpanFields, L::Error> {
    let mut fields = SpanFields {
        trace_id: span.trace_id,
        span_id: span.span_id,
        parent_span_id: span.parent_span_id,
        project: None,
        session: None,
        session_name: None,
        parent: None,
        kind: EventKind::Tool,
        name: span.name,
        source: String::new(),
        started: nanos(span.start_time_unix_nano),
        ended: nanos(span.end_time_unix_nano.max(span.start_time_unix_nano)),
        error: None,
        inputs: Object::new(),
        outputs: Object::new(),
        config: Object::new(),
        metadata: Object::new(),
        metrics: Object::new(),
        feedback: Object::new(),
        user_properties: Object::new(),
    };
    let mut named = NamedValues::new();
    let mut kind = None;
    for KeyValue { key, value, .. } in span.attributes {
        let value = to_json(value);
        let Some((key, value)) = apply_label(&mut fields, &mut kind, key, value) else {
            continue;
        };
        let Some((member, name)) = Member::find(&key) else {
            let name = key.strip_prefix(names::BAGGAGE_PREFIX).unwrap_or(&key);
            fields.metadata.insert(name.to_owned(), value);
            continue;
        };
        let value = if is_typed {
            value
        } else {
            parsed(value, limits)?
        };
        // Names with fewer dots come first.
        let dots = name.matches('.').count();
        named.insert((dots, member, name.to_owned()), value);
    }
    for ((_, member, name), value) in named {
        let object = member.of(&mut fields);
        insert(object, &name, value, || limits.create_object())?;
    }
    if !is_typed {
        for member in Member::ALL {
            member.of(&mut fields).values_mut().for_each(restore_lists);
        }
    }
    if fields.error.is_none() {
        let failed = span.status.filter(|status| status.code == 2);
        fields.error = failed.map(|status| match status.message.as_str() {
            "" => "error".to_owned(),
            message => message.to_owned(),
        });
    }
    fields.kind = kind.unwrap_or_else(|| guess_kind(&fields.metadata));
    fields.name = limit_name(fields.name);
    fields.session_name = fields.session_name.map(limit_name);
    Ok(fields)
}

/// Converts a time of OTLP.
fn nanos(time: u64) -> i64 {
    i64::try_from(time).unwrap_or(i64::MAX)
}

/// Values by the number of dots in their names, their members and their names.
type NamedValues = BTreeMap<(usize, Member, String), Value>;

/// An object of an event that receives attributes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Member {
    Inputs,
    Outputs,
    Config,
    Metadata,
    Metrics,
    Feedback,
    UserProperties,
}

impl Member {
    /// All members.
    const ALL: [Self; 7] = [
        Self::Inputs,
        Self::Outputs,
        Self::Config,
        Self::Metadata,
        Self::Metrics,
        Self::Feedback,
        Self::UserProperties,
    ];

    /// Returns the member that an attribute belongs to, and the name in this member.
    fn find(key: &str) -> Option<(Self, &str)> {
        let (member, name) = key.strip_prefix("honeyhive_")?.split_once('.')?;
        let member = match member {
            "inputs" => Self::Inputs,
            "outputs" => Self::Outputs,
            "config" => Self::Config,
            "metadata" => Self::Metadata,
            "metrics" => Self::Metrics,
            "feedback" => Self::Feedback,
            "user_properties" => Self::UserProperties,
            _ => return None,
        };
        Some((member, name))
    }

    /// Returns the object of this member.
    fn of(self, fields: &mut SpanFields) -> &mut Object {
        match self {
            Self::Inputs => &mut fields.inputs,
            Self::Outputs => &mut fields.outputs,
            Self::Config => &mut fields.config,
            Self::Metadata => &mut fields.metadata,
            Self::Metrics => &mut fields.metrics,
            Self::Feedback => &mut fields.feedback,
            Self::UserProperties => &mut fields.user_properties,
        }
    }
}

/// Applies an attribute with a special meaning; returns any other one, without a Traceloop prefix.
fn apply_label(
    fields: &mut SpanFields,
    kind: &mut Option<EventKind>,
    key: String,
    value: Value,
) -> Option<(String, Value)> {
    let association = key.strip_prefix(names::TRACELOOP_PREFIX);
    let name = association.map_or(key.as_str(), |name| match name {
        "session_id" => names::SESSION_ID,
        "source" => names::SOURCE,
        "project" => names::PROJECT,
        other => other,
    });
    match name {
        names::SESSION_ID => fields.session = text(value),
        names::SOURCE => fields.source = text(value).unwrap_or_default(),
        names::PROJECT => fields.project = text(value),
        names::SESSION_NAME => fields.session_name = text(value),
        names::PARENT_ID => {
            fields.parent = text(value).and_then(|id| Uuid::try_parse(&id).ok());
        }
        names::EVENT_TYPE => {
            *kind = text(value)
                .and_then(|kind| EventKind::find(&kind))
                .filter(|kind| *kind != EventKind::Session);
        }
        names::EVENT_NAME => {
            if let Some(name) = text(value) {
                fields.name = name;
            }
        }
        names::ERROR => fields.error = text(value),
        names::ERROR_TYPE => drop(fields.metadata.insert("error_type".to_owned(), value)),
        names::DURATION_MS | names::SESSION_AUTO_CREATE | "disable_http_tracing" => {}
        other if other.len() == key.len() => return Some((key, value)),
        other => return Some((other.to_owned(), value)),
    }
    None
}

/// Parses a list or an object in a JSON string; returns any other value unchanged.
fn parsed<L: MapLimits>(value: Value, limits: &mut L) -> Result<Value, L::Error> {
    if let Value::String(text) = &value
        && text.starts_with(['{', '['])
        && let Some(parsed) = limits.parse(text)?
    {
        return Ok(parsed);
    }
    Ok(value)
}

/// Returns a text that is not empty.
fn text(value: Value) -> Option<String> {
    if let Value::String(text) = value
        && !text.is_empty()
    {
        return Some(text);
    }
    None
}

/// Determines the type of a span without an event type, from the attributes of known instrumentations.
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
