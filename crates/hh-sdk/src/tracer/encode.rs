//! Encodes values of any type directly as OTLP attributes, because encoding is most of the cost of a span for the
//! caller.

mod compound;
mod encoder;
mod serializer;

use serde::Serialize;
use serde_json::Value;

use super::redact::Redactor;
use super::wire::{STRING, put_bytes};
use encoder::{Encoder, NOT_SERIALIZABLE};

/// Appends a value as the content of an `AnyValue`, without API keys.
pub(super) fn put_value(out: &mut Vec<u8>, redactor: &Redactor, value: &impl Serialize) {
    let start = out.len();
    if value
        .serialize(&mut Encoder::new(out, redactor, false))
        .is_err()
    {
        out.truncate(start);
        put_bytes(out, STRING, NOT_SERIALIZABLE.as_bytes());
    }
}

/// Returns a value as JSON, without API keys.
pub(super) fn to_json(redactor: &Redactor, value: &impl Serialize) -> Value {
    let mut text = Vec::new();
    value
        .serialize(&mut Encoder::new(&mut text, redactor, true))
        .ok()
        .and_then(|()| serde_json::from_slice(&text).ok())
        .unwrap_or_else(|| Value::String(NOT_SERIALIZABLE.to_owned()))
}

#[cfg(test)]
mod tests;
