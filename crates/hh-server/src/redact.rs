//! Removes API keys from the telemetry of any client (see `docs/design/decisions.md#w7`).

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hh_api::otlp::{Origin, Span};
use hh_api::types::{EventPatch, Object};
use hh_key::find_key;
use memchr::memmem;
use serde_json::Value;

use crate::domain::event_body::EventBody;

/// The replacement for a key, which the tracer uses too.
const REDACTED: &str = "[redacted]";
/// The minimum length of a key in base64: `hh_` and 16 letters or digits.
const MIN_BASE64: usize = 26;

/// Returns whether the texts of a body may contain keys. This is one search over the whole body, so that exports without
/// keys cost almost nothing.
///
/// In JSON, an escape or base64 can hide the prefix of a key.
pub(crate) fn may_contain_keys(body: &[u8]) -> bool {
    [&b"hh_"[..], b"\\u", b"bytesValue", b"bytes_value"]
        .iter()
        .any(|part| memmem::find(body, part).is_some())
}

/// Removes keys from a span.
pub(crate) fn redact_span(span: &mut Span) {
    for text in [
        &mut span.name,
        &mut span.trace_state,
        &mut span.status_message,
    ] {
        redact_text(text);
    }
    redact_pairs(&mut span.attributes);
    for event in &mut span.events {
        redact_text(&mut event.name);
        redact_pairs(&mut event.attributes);
    }
    for link in &mut span.links {
        redact_text(&mut link.trace_state);
        redact_pairs(&mut link.attributes);
    }
}

/// Returns an origin without keys.
pub(crate) fn redact_origin(origin: &Origin) -> Origin {
    let mut origin = origin.clone();
    redact_text(&mut origin.scope_name);
    redact_text(&mut origin.scope_version);
    redact_object(&mut origin.resource);
    redact_object(&mut origin.scope_attributes);
    origin
}

/// Removes keys from the name and the body of an event or a session.
pub(crate) fn redact_event(name: &mut String, body: &mut EventBody) {
    let EventBody {
        source,
        config,
        inputs,
        outputs,
        error,
        metadata,
        metrics,
        feedback,
        user_properties,
    } = body;
    redact_text(name);
    redact_text(source);
    if let Some(error) = error {
        redact_text(error);
    }
    for members in [
        config,
        inputs,
        outputs,
        metadata,
        metrics,
        feedback,
        user_properties,
    ] {
        redact_object(members);
    }
}

/// Removes keys from a change of an event.
pub(crate) fn redact_patch(patch: &mut EventPatch) {
    let EventPatch {
        metadata,
        feedback,
        metrics,
        config,
        user_properties,
        outputs,
        ..
    } = patch;
    let changes = [
        metadata,
        feedback,
        metrics,
        config,
        user_properties,
        outputs,
    ];
    changes.into_iter().flatten().for_each(redact_object);
}

/// Removes keys from the texts and the names of a value.
pub(crate) fn redact_value(value: &mut Value) {
    match value {
        Value::String(text) => redact_text(text),
        Value::Array(items) => items.iter_mut().for_each(redact_value),
        Value::Object(members) => redact_object(members),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn redact_pairs(pairs: &mut [(String, Value)]) {
    for (key, value) in pairs {
        redact_text(key);
        redact_value(value);
    }
}

fn redact_object(members: &mut Object) {
    members.values_mut().for_each(redact_value);
    let names: Vec<_> = members
        .keys()
        .filter(|name| find_key(name).is_some())
        .cloned()
        .collect();
    for name in names {
        let Some(value) = members.remove(&name) else {
            continue;
        };
        let base = redacted(&name).into_owned();
        let mut name = base.clone();
        // Two names that differ only in their keys must not become one.
        let mut number = 2;
        while members.contains_key(&name) {
            name = format!("{base} {number}");
            number += 1;
        }
        members.insert(name, value);
    }
}

fn redact_text(text: &mut String) {
    if let Cow::Owned(clean) = redacted(text) {
        *text = clean;
    }
}

/// Returns a text without keys.
fn redacted(text: &str) -> Cow<'_, str> {
    let mut clean = String::new();
    let mut rest = text;
    while let Some(found) = find_key(rest) {
        clean.push_str(&rest[..found.start]);
        clean.push_str(REDACTED);
        rest = &rest[found.end..];
    }
    if rest.len() < text.len() {
        clean.push_str(rest);
        Cow::Owned(clean)
    } else if is_base64_of_key(text) {
        Cow::Borrowed(REDACTED).into_owned().into()
    } else {
        Cow::Borrowed(text)
    }
}

/// Returns whether a text is the base64 of bytes with a key, as values of bytes are stored.
fn is_base64_of_key(text: &str) -> bool {
    text.len() >= MIN_BASE64
        && text.len().is_multiple_of(4)
        && STANDARD
            .decode(text)
            .is_ok_and(|bytes| find_key(&String::from_utf8_lossy(&bytes)).is_some())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const KEY: &str = "hh_1234567890abcdef1234567890abcdef";

    #[test]
    fn keys_are_removed_from_texts_and_names_at_every_level() {
        let mut value = json!({
            "a": [format!("use {KEY} and {KEY}!"), 5, null],
            "n": {KEY: 1, format!("{KEY}0"): 2, "hh_docs": "hh_docs"},
            "bytes": STANDARD.encode(format!("key={KEY}")),
        });
        assert!(value.to_string().contains(KEY));
        redact_value(&mut value);
        assert_eq!(
            value,
            json!({
                "a": ["use [redacted] and [redacted]!", 5, null],
                "n": {"[redacted]": 1, "[redacted] 2": 2, "hh_docs": "hh_docs"},
                "bytes": "[redacted]",
            })
        );
    }

    #[test]
    fn text_without_keys_is_not_copied() {
        for text in [
            "",
            "hh_",
            "plain",
            "hh_search_engine_of_mine",
            "aGVsbG8gd29ybGQgaGVsbG8gd29ybGQh",
        ] {
            assert!(matches!(redacted(text), Cow::Borrowed(_)), "{text}");
        }
    }
}
