//! The encoder of one value.

use serde::Serialize;

use crate::tracer::redact::Redactor;
use crate::tracer::wire::{STRING, close, open, put_bytes};

/// The limit of levels that are encoded as OTLP lists and objects; deeper ones become JSON strings.
///
/// An object needs three protobuf levels, and readers reject more than 100. One value must not fail a whole export.
pub(super) const MAX_STRUCTURED: u32 = 24;

/// The limit of levels of lists and objects. Client and server read nested values recursively.
pub(super) const MAX_LEVELS: u32 = 64;

/// The limit of nested calls for one value. Options and wrappers need calls too, and each call uses the stack of the
/// caller.
const MAX_CALLS: u32 = 256;

/// The replacement for values below [`MAX_LEVELS`].
pub(super) const TOO_DEEP: &str = "(nested too deeply)";

/// The replacement for a value that its type fails to serialize.
pub(super) const NOT_SERIALIZABLE: &str = "(this value cannot be serialized)";

/// The error of a type that fails to serialize its value, without a reason.
#[derive(Debug)]
pub(crate) struct NotSerializable;

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

/// An encoder of one value, as the content of an `AnyValue` or as JSON.
pub(super) struct Encoder<'a> {
    pub(super) out: &'a mut Vec<u8>,
    pub(super) redactor: &'a Redactor,
    /// Whether the output is JSON.
    pub(super) is_text: bool,
    /// The number of lists and objects around the value.
    pub(super) level: u32,
    /// The number of nested calls.
    calls: u32,
}

impl<'a> Encoder<'a> {
    /// Creates an encoder that appends to a buffer.
    pub(super) fn new(out: &'a mut Vec<u8>, redactor: &'a Redactor, is_text: bool) -> Self {
        Self {
            out,
            redactor,
            is_text,
            level: 0,
            calls: 0,
        }
    }

    /// Appends a number, a Boolean or null as JSON.
    pub(super) fn put_literal(&mut self, literal: &str) {
        self.out.extend_from_slice(literal.as_bytes());
    }

    /// Encodes a text without API keys.
    pub(super) fn put_text(&mut self, text: &str) -> Result<(), NotSerializable> {
        let text = self.redactor.redact(text);
        if self.is_text {
            serde_json::to_writer(&mut *self.out, &text).map_err(|_| NotSerializable)
        } else {
            put_bytes(self.out, STRING, text.as_bytes());
            Ok(())
        }
    }

    /// Encodes a value inside another one.
    pub(super) fn nest(
        &mut self,
        value: &(impl Serialize + ?Sized),
    ) -> Result<(), NotSerializable> {
        if self.calls >= MAX_CALLS {
            return self.put_text(TOO_DEEP);
        }
        self.calls += 1;
        let done = value.serialize(&mut *self);
        self.calls -= 1;
        done
    }

    /// Encodes the name of a member.
    pub(super) fn put_name(
        &mut self,
        name: &(impl Serialize + ?Sized),
    ) -> Result<(), NotSerializable> {
        let start = self.out.len();
        self.nest(name)?;
        if self.is_text {
            return self.quote_name(start);
        }
        if self.out.get(start) == Some(&STRING) {
            return Ok(());
        }
        // The name is not a text, so its JSON becomes the name.
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

    /// Quotes the name at the end of the output if it is a number or a Boolean.
    fn quote_name(&mut self, start: usize) -> Result<(), NotSerializable> {
        if self.out.get(start) != Some(&b'"') {
            check_name(self.out.get(start))?;
            self.out.insert(start, b'"');
            self.out.push(b'"');
        }
        Ok(())
    }
}

/// Rejects names that are not texts, numbers or Booleans.
fn check_name(first: Option<&u8>) -> Result<(), NotSerializable> {
    match first {
        None | Some(b'[' | b'{' | b'n') => Err(NotSerializable),
        Some(_) => Ok(()),
    }
}
