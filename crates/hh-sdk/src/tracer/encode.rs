//! Values of any type as OTLP attributes, encoded without anything in between: what a span costs its caller is mostly
//! this.

mod compound;
mod serializer;

use serde::Serialize;
use serde_json::Value;

use super::redact::Redactor;
use super::wire::{STRING, close, open, put_bytes};
use compound::Compound;

/// Levels of lists and objects that are encoded as such: an object takes three levels of protobuf, whose readers stop at
/// 100. Deeper ones become JSON in a text: one value must not cost a whole export.
const MAX_STRUCTURED: u32 = 24;

/// Levels of lists and objects that are kept at all. Both ends read nested values recursively.
const MAX_LEVELS: u32 = 64;

/// Nested calls for one value, which options and wrappers need too; each takes stack of the caller.
const MAX_CALLS: u32 = 256;

/// Replaces what is nested deeper than [`MAX_LEVELS`].
const TOO_DEEP: &str = "(nested too deeply)";

/// Replaces a value whose type fails to serialize it.
const NOT_SERIALIZABLE: &str = "(this value cannot be serialized)";

/// Appends the content of an `AnyValue`, without keys.
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

/// Returns a value as JSON, without keys.
pub(super) fn to_json(redactor: &Redactor, value: &impl Serialize) -> Value {
    let mut text = Vec::new();
    value
        .serialize(&mut Encoder::new(&mut text, redactor, true))
        .ok()
        .and_then(|()| serde_json::from_slice(&text).ok())
        .unwrap_or_else(|| Value::String(NOT_SERIALIZABLE.to_owned()))
}

/// A type has failed to serialize its value; why does not matter.
#[derive(Debug)]
pub(super) struct NotSerializable;

impl std::fmt::Display for NotSerializable {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(NOT_SERIALIZABLE)
    }
}

impl std::error::Error for NotSerializable {}

impl serde::ser::Error for NotSerializable {
    fn custom<T: std::fmt::Display>(_: T) -> Self {
        Self
    }
}

/// Encodes one value as the content of an `AnyValue`, or as JSON.
struct Encoder<'a> {
    out: &'a mut Vec<u8>,
    redactor: &'a Redactor,
    /// The output is JSON.
    is_text: bool,
    /// Lists and objects around the value.
    level: u32,
    calls: u32,
}

impl<'a> Encoder<'a> {
    fn new(out: &'a mut Vec<u8>, redactor: &'a Redactor, is_text: bool) -> Self {
        Self {
            out,
            redactor,
            is_text,
            level: 0,
            calls: 0,
        }
    }

    /// Writes a number, a flag or null as JSON.
    fn put_literal(&mut self, literal: &str) {
        self.out.extend_from_slice(literal.as_bytes());
    }

    fn put_text(&mut self, text: &str) -> Result<(), NotSerializable> {
        let text = self.redactor.redact(text);
        if self.is_text {
            serde_json::to_writer(&mut *self.out, &text).map_err(|_| NotSerializable)
        } else {
            put_bytes(self.out, STRING, text.as_bytes());
            Ok(())
        }
    }

    /// Encodes a value inside another one.
    fn nest(&mut self, value: &(impl Serialize + ?Sized)) -> Result<(), NotSerializable> {
        if self.calls >= MAX_CALLS {
            return self.put_text(TOO_DEEP);
        }
        self.calls += 1;
        let done = value.serialize(&mut *self);
        self.calls -= 1;
        done
    }

    /// Encodes the name of a member.
    fn put_name(&mut self, name: &(impl Serialize + ?Sized)) -> Result<(), NotSerializable> {
        let start = self.out.len();
        self.nest(name)?;
        if self.is_text {
            return self.quote_name(start);
        }
        if self.out.get(start) == Some(&STRING) {
            return Ok(());
        }
        // It is no text, so that it is written again as JSON, which is what it is called then.
        self.out.truncate(start);
        let text = open(self.out, STRING);
        self.is_text = true;
        let done = self.nest(name);
        self.is_text = false;
        done?;
        check_name(self.out.get(text))?;
        close(self.out, text);
        Ok(())
    }

    /// Quotes the name at the end of the output if it is a number or a flag.
    fn quote_name(&mut self, start: usize) -> Result<(), NotSerializable> {
        if self.out.get(start) != Some(&b'"') {
            check_name(self.out.get(start))?;
            self.out.insert(start, b'"');
            self.out.push(b'"');
        }
        Ok(())
    }

    /// Starts a list or an object.
    fn begin(&mut self, is_object: bool) -> Result<Compound<'_, 'a>, NotSerializable> {
        Compound::begin(self, is_object)
    }
}

/// Only texts, numbers and flags can be names, as in JSON.
fn check_name(first: Option<&u8>) -> Result<(), NotSerializable> {
    match first {
        None | Some(b'[' | b'{' | b'n') => Err(NotSerializable),
        Some(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests;
