//! Maps OTLP spans to the fields of events, for the server and the in-memory exporter of the SDK.

use std::collections::BTreeMap;

use serde_json::Value;
use uuid::Uuid;

use super::fields::{MapLimits, SpanFields, parsed, text};
use super::nest::{insert, restore_lists};
use super::{conventions, telemetry};
use crate::attributes as names;
use crate::limit_name;
use crate::otlp::{Origin, Span};
use crate::types::{EventKind, Object};

/// Maps a span to the fields of its event.
///
/// `origin` is the resource and the scope of the span. The tracer with the scope [`SCOPE`](names::SCOPE) sends lists and
/// objects unchanged. Other tracers send them as JSON strings, or as names with numbers.
///
/// Dots in the name of a value nest: `a.b` becomes the member `b` of the object `a`. If that would overwrite another
/// value, the whole name stays flat. Names inside an object value are literal. If two attributes have the same name,
/// the last one applies.
///
/// `docs/design/wire.md`, section 6, lists where all other data of the span is stored.
///
/// # Errors
/// The errors of `limits`.
pub fn map_span<L: MapLimits>(
    mut span: Span,
    origin: &Origin,
    limits: &mut L,
) -> Result<SpanFields, L::Error> {
    let is_typed = origin.is_typed();
    // The duration of a span without a start is 0.
    let start = if span.start == 0 {
        span.end
    } else {
        span.start
    };
    let mut fields = SpanFields {
        trace_id: std::mem::take(&mut span.trace_id),
        span_id: std::mem::take(&mut span.span_id),
        parent_span_id: std::mem::take(&mut span.parent_span_id),
        project: None,
        session: None,
        session_is_inferred: false,
        session_name: None,
        parent: None,
        kind: EventKind::Tool,
        name: std::mem::take(&mut span.name),
        source: String::new(),
        started: nanos(start),
        ended: nanos(span.end.max(start)),
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
    let mut is_known = false;
    for (key, value) in std::mem::take(&mut span.attributes) {
        let Some((key, value)) = apply_label(&mut fields, &mut kind, key, value) else {
            continue;
        };
        let Some((member, name)) = Member::find(&key) else {
            is_known |= conventions::is_known(&key);
            if let Some(name) = key.strip_prefix(names::BAGGAGE_PREFIX) {
                fields.metadata.insert(name.to_owned(), value);
            } else {
                fields.metadata.insert(key, value);
            }
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
    if is_known && !is_typed {
        kind = kind.or_else(|| conventions::kind(&fields.metadata));
        conventions::apply(&mut fields, limits)?;
    }
    fields.kind = kind.unwrap_or(EventKind::Tool);
    telemetry::apply(&mut fields, span, origin);
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

#[cfg(test)]
mod tests;
