//! Values as OTLP attributes, and finished spans.

use hh_api::attributes as names;
use hh_api::types::EventKind;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, KeyValue, KeyValueList};
use opentelemetry_proto::tonic::trace::v1::{Span as Wire, Status, status::StatusCode};
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use super::Shared;
use crate::ids::{self, Started};

/// Turns any serialisable value into JSON; what cannot be is named instead of lost, and levels deeper than
/// [`MAX_LEVELS`] become their text.
pub(super) fn to_json(value: impl Serialize) -> Value {
    let mut value = serde_json::to_value(value)
        .unwrap_or_else(|_| Value::String("(this value cannot be serialised)".to_owned()));
    flatten(&mut value, MAX_LEVELS);
    value
}

fn flatten(value: &mut Value, levels: u32) {
    match value {
        Value::Array(_) | Value::Object(_) if levels == 0 => {
            *value = Value::String(value.to_string());
        }
        Value::Array(items) => items.iter_mut().for_each(|item| flatten(item, levels - 1)),
        Value::Object(members) => {
            members
                .values_mut()
                .for_each(|member| flatten(member, levels - 1));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Levels of lists and objects that go out as such: an object takes three levels of protobuf, whose readers stop at 100.
/// Deeper ones go as text: one value must not cost a whole export.
const MAX_LEVELS: u32 = 24;

fn to_any(value: Value) -> AnyValue {
    let value = match value {
        Value::Null => None,
        Value::Bool(flag) => Some(Any::BoolValue(flag)),
        Value::Number(number) => Some(match (number.as_i64(), number.as_f64()) {
            (Some(integer), _) => Any::IntValue(integer),
            (None, Some(float)) if !number.is_u64() => Any::DoubleValue(float),
            // Beyond 63 bits only text keeps every digit.
            _ => Any::StringValue(number.to_string()),
        }),
        Value::String(text) => Some(Any::StringValue(text)),
        Value::Array(items) => Some(Any::ArrayValue(ArrayValue {
            values: items.into_iter().map(to_any).collect(),
        })),
        Value::Object(members) => Some(Any::KvlistValue(KeyValueList {
            values: members
                .into_iter()
                .map(|(name, value)| attribute(name, value))
                .collect(),
        })),
    };
    AnyValue { value }
}

fn attribute(key: impl Into<String>, value: Value) -> KeyValue {
    KeyValue {
        key: key.into(),
        value: Some(to_any(value)),
        ..KeyValue::default()
    }
}

/// A span under way.
pub(super) struct Record {
    pub(super) session: Uuid,
    pub(super) trace_id: [u8; 16],
    pub(super) span_id: [u8; 8],
    pub(super) parent: Option<[u8; 8]>,
    pub(super) kind: EventKind,
    pub(super) name: String,
    pub(super) started: Started,
    attributes: Vec<KeyValue>,
    error: Option<String>,
}

impl Record {
    pub(super) fn new(session: Uuid, name: &str, kind: EventKind) -> Self {
        Self {
            session,
            trace_id: ids::trace_id(),
            span_id: ids::random().to_be_bytes(),
            parent: None,
            kind,
            name: name.to_owned(),
            started: Started::now(),
            attributes: Vec::new(),
            error: None,
        }
    }

    pub(super) fn below(mut self, parent: &Self) -> Self {
        self.trace_id = parent.trace_id;
        self.parent = Some(parent.span_id);
        self
    }

    pub(super) fn set(&mut self, member: &str, name: &str, value: impl Serialize) {
        let set = attribute(format!("honeyhive_{member}.{name}"), to_json(value));
        // OTLP allows a name once.
        match self.attributes.iter_mut().find(|old| old.key == set.key) {
            Some(old) => *old = set,
            None => self.attributes.push(set),
        }
    }

    pub(super) fn set_error(&mut self, error: String) {
        self.error = Some(error);
    }

    pub(super) fn into_wire(mut self, shared: &Shared) -> Wire {
        let text = |key: &str, value: &str| attribute(key, Value::String(value.to_owned()));
        self.attributes
            .push(text(names::SESSION_ID, &self.session.to_string()));
        self.attributes
            .push(text(names::EVENT_TYPE, self.kind.as_str()));
        self.attributes.push(text(names::SOURCE, &shared.source));
        if let Some(project) = &shared.project {
            self.attributes.push(text(names::PROJECT, project));
        }
        let status = self.error.map(|message| {
            self.attributes.push(text(names::ERROR, &message));
            Status {
                message,
                code: StatusCode::Error.into(),
            }
        });
        Wire {
            trace_id: self.trace_id.to_vec(),
            span_id: self.span_id.to_vec(),
            parent_span_id: self.parent.map(|id| id.to_vec()).unwrap_or_default(),
            name: self.name,
            kind: 1,
            start_time_unix_nano: self.started.nanos(),
            end_time_unix_nano: self.started.end_nanos(),
            attributes: self.attributes,
            status,
            ..Wire::default()
        }
    }
}
