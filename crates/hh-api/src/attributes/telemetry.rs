//! Stores the data of a span that is not an attribute: events, links, resource, scope, kind and status.

use serde_json::{Value, json};

use super::fields::SpanFields;
use crate::otlp::{Origin, Span, SpanEvent, SpanLink, StatusCode};
use crate::time::to_millis;
use crate::types::Object;

/// The prefix of a member of the metadata whose name is already used by an attribute.
const PREFIX: &str = "otel.";

/// Adds the data to the metadata, and the error of a failed span.
pub(super) fn apply(fields: &mut SpanFields, mut span: Span, origin: &Origin) {
    apply_error(fields, &mut span);
    let is_root = fields.parent_span_id.is_empty();
    if is_root && !origin.is_typed() {
        put(fields, "trace_id", Value::from(hex(&fields.trace_id)));
    }
    let resource = resource(origin, is_root);
    if !resource.is_empty() {
        put(fields, "resource", Value::Object(resource));
    }
    let scope = scope(origin);
    if !scope.is_empty() {
        put(fields, "scope", Value::Object(scope));
    }
    // Spans without a kind are internal.
    let kind = match span.kind {
        2 => "server",
        3 => "client",
        4 => "producer",
        5 => "consumer",
        _ => "",
    };
    if !kind.is_empty() {
        put(fields, "span_kind", Value::from(kind));
    }
    if !span.trace_state.is_empty() {
        put(fields, "trace_state", Value::from(span.trace_state));
    }
    apply_flags(fields, span.flags);
    if !span.events.is_empty() {
        let events = span.events.into_iter().map(event).collect();
        put(fields, "span_events", events);
    }
    if !span.links.is_empty() {
        let links = span.links.into_iter().map(link).collect();
        put(fields, "span_links", links);
    }
    for (name, count) in [
        ("dropped_attributes_count", span.dropped_attributes),
        ("dropped_events_count", span.dropped_events),
        ("dropped_links_count", span.dropped_links),
        (
            "dropped_resource_attributes_count",
            origin.dropped_resource_attributes,
        ),
        (
            "dropped_scope_attributes_count",
            origin.dropped_scope_attributes,
        ),
    ] {
        if count > 0 {
            put(fields, name, Value::from(count));
        }
    }
}

/// Adds a member to the metadata. An attribute with the same name keeps its place.
fn put(fields: &mut SpanFields, name: &str, value: Value) {
    let name = if fields.metadata.contains_key(name) {
        format!("{PREFIX}{name}")
    } else {
        name.to_owned()
    };
    fields.metadata.insert(name, value);
}

/// Sets the error from the status or else from an exception, with the type and the stack of the last exception.
///
/// A span whose status is OK recovered from its exceptions, so it has no error.
fn apply_error(fields: &mut SpanFields, span: &mut Span) {
    let exception = span.events.iter_mut().rfind(|event| is_exception(event));
    let is_failed = match span.status {
        StatusCode::Error => true,
        StatusCode::Unset => exception.is_some(),
        StatusCode::Ok => false,
    };
    if span.status == StatusCode::Ok && !span.status_message.is_empty() {
        put(
            fields,
            "status_message",
            Value::from(std::mem::take(&mut span.status_message)),
        );
    }
    if span.status == StatusCode::Ok {
        put(fields, "status", Value::from("ok"));
    }
    if !is_failed && fields.error.is_none() {
        if !span.status_message.is_empty() {
            put(
                fields,
                "status_message",
                Value::from(std::mem::take(&mut span.status_message)),
            );
        }
        return;
    }
    let message = std::mem::take(&mut span.status_message);
    let described = exception.as_ref().map(|event| description(event));
    if fields.error.is_none() {
        let error = [message.clone(), described.clone().unwrap_or_default()];
        let error = error.into_iter().find(|text| !text.is_empty());
        fields.error = Some(error.unwrap_or_else(|| "error".to_owned()));
    }
    let error = fields.error.clone().unwrap_or_default();
    if !message.is_empty() && message != error {
        put(fields, "status_message", Value::from(message));
    }
    let Some(exception) = exception.filter(|_| is_failed) else {
        return;
    };
    // What is stored as the error is not stored again in the event.
    for (attribute, member) in [
        ("exception.type", "error_type"),
        ("exception.stacktrace", "error_stack"),
    ] {
        if let Some(value) = take(exception, attribute) {
            match fields.metadata.get(member) {
                Some(set) if *set == value => {}
                Some(_) => exception.attributes.push((attribute.to_owned(), value)),
                None => {
                    fields.metadata.insert(member.to_owned(), value);
                }
            }
        }
    }
    let is_message = |text: &str| error == text || described.as_ref() == Some(&error);
    if attribute(exception, "exception.message").is_some_and(is_message) {
        take(exception, "exception.message");
    }
}

/// Returns whether an event describes an exception, by the semantic conventions of OpenTelemetry.
fn is_exception(event: &SpanEvent) -> bool {
    let names = ["exception.type", "exception.message"];
    event.name == "exception" && names.iter().any(|name| attribute(event, name).is_some())
}

/// Returns the text of an attribute that is not empty.
fn attribute<'e>(event: &'e SpanEvent, name: &str) -> Option<&'e str> {
    let found = event.attributes.iter().rfind(|(key, _)| key == name);
    found
        .and_then(|(_, value)| value.as_str())
        .filter(|text| !text.is_empty())
}

/// Removes an attribute; returns its value unless it is empty.
fn take(event: &mut SpanEvent, name: &str) -> Option<Value> {
    let at = event.attributes.iter().rposition(|(key, _)| key == name)?;
    let (_, value) = event.attributes.remove(at);
    Some(value).filter(|value| value.as_str() != Some(""))
}

/// Returns the type and the message of an exception, as languages print them.
fn description(event: &SpanEvent) -> String {
    let parts = ["exception.type", "exception.message"].map(|name| attribute(event, name));
    match parts {
        [Some(kind), Some(message)] => format!("{kind}: {message}"),
        [one, other] => one.or(other).unwrap_or_default().to_owned(),
    }
}

/// Stores the trace flags if more than the flag for sampling is set, and whether the parent is in another process.
fn apply_flags(fields: &mut SpanFields, flags: u32) {
    const REMOTE: u32 = 0x300;
    let trace_flags = flags & 0xff;
    if trace_flags > 1 {
        put(fields, "trace_flags", Value::from(trace_flags));
    }
    if flags & REMOTE == REMOTE {
        put(fields, "parent_is_remote", Value::from(true));
    }
}

/// Returns the attributes of the resource that are stored with a span.
///
/// Only spans without a parent have the attributes of the process and of the telemetry library, which instrumentations
/// add automatically: with every span, they would often be larger than the span.
fn resource(origin: &Origin, is_root: bool) -> Object {
    let is_stored = |name: &str, value: &Value| {
        let is_default = match name {
            "service.name" => {
                value.is_null()
                    || value
                        .as_str()
                        .is_some_and(|name| name.starts_with("unknown_service"))
            }
            _ => !is_root && (name.starts_with("telemetry.") || name.starts_with("process.")),
        };
        !is_default
    };
    let attributes = origin.resource.iter();
    let stored = attributes.filter(|(name, value)| is_stored(name, value));
    stored
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// Returns the scope, unless its name only numbers the tracers of a process.
fn scope(origin: &Origin) -> Object {
    let mut scope = Object::new();
    let number = origin.scope_name.strip_prefix("honeyhive.");
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if origin.is_typed() || number.is_some_and(is_number) {
        return scope;
    }
    for (name, text) in [
        ("name", &origin.scope_name),
        ("version", &origin.scope_version),
    ] {
        if !text.is_empty() {
            scope.insert(name.to_owned(), Value::from(text.clone()));
        }
    }
    if !origin.scope_attributes.is_empty() {
        let attributes = Value::Object(origin.scope_attributes.clone());
        scope.insert("attributes".to_owned(), attributes);
    }
    scope
}

fn event(event: SpanEvent) -> Value {
    let time = i64::try_from(event.time).unwrap_or(i64::MAX);
    let mut stored = json!({"name": event.name, "time": to_millis(time)});
    add(&mut stored, event.attributes, event.dropped_attributes);
    stored
}

fn link(link: SpanLink) -> Value {
    let mut stored = json!({"trace_id": hex(&link.trace_id), "span_id": hex(&link.span_id)});
    if !link.trace_state.is_empty() {
        stored["trace_state"] = Value::from(link.trace_state);
    }
    if link.flags & 0xff > 1 {
        stored["trace_flags"] = Value::from(link.flags & 0xff);
    }
    add(&mut stored, link.attributes, link.dropped_attributes);
    stored
}

/// Adds the attributes of an event or a link.
fn add(stored: &mut Value, attributes: Vec<(String, Value)>, dropped: u32) {
    if !attributes.is_empty() {
        stored["attributes"] = Value::Object(attributes.into_iter().collect());
    }
    if dropped > 0 {
        stored["dropped_attributes_count"] = Value::from(dropped);
    }
}

fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from(b"0123456789abcdef"[usize::from(nibble)]);
    let digits = |byte: &u8| [digit(byte >> 4), digit(byte & 15)];
    bytes.iter().flat_map(digits).collect()
}

#[cfg(test)]
mod tests;
