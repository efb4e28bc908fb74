//! The output of one value, and what its parts write to it.

use serde::Serialize;

use crate::tracer::redact::Redactor;
use crate::tracer::wire::{STRING, close, open, put_bytes};

/// Levels of lists and objects that are encoded as such: an object takes three levels of protobuf, whose readers stop at
/// 100. Deeper ones become JSON in a text: one value must not cost a whole export.
pub(super) const MAX_STRUCTURED: u32 = 24;

/// Levels of lists and objects that are kept at all. Both ends read nested values recursively.
pub(super) const MAX_LEVELS: u32 = 64;

/// Nested calls for one value, which options and wrappers need too; each takes stack of the caller.
const MAX_CALLS: u32 = 256;

/// Replaces what is nested deeper than [`MAX_LEVELS`].
pub(super) const TOO_DEEP: &str = "(nested too deeply)";

/// Replaces a value whose type fails to serialize it.
pub(super) const NOT_SERIALIZABLE: &str = "(this value cannot be serialized)";

/// A type has failed to serialize its value; why does not matter.
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

/// Encodes one value as the content of an `AnyValue`, or as JSON.
pub(super) struct Encoder<'a> {
    pub(super) out: &'a mut Vec<u8>,
    pub(super) redactor: &'a Redactor,
    /// The output is JSON.
    pub(super) is_text: bool,
    /// Lists and objects around the value.
    pub(super) level: u32,
    calls: u32,
}

impl<'a> Encoder<'a> {
    pub(super) fn new(out: &'a mut Vec<u8>, redactor: &'a Redactor, is_text: bool) -> Self {
        Self {
            out,
            redactor,
            is_text,
            level: 0,
            calls: 0,
        }
    }

    /// Writes a number, a flag or null as JSON.
    pub(super) fn put_literal(&mut self, literal: &str) {
        self.out.extend_from_slice(literal.as_bytes());
    }

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
}

/// Only texts, numbers and flags can be names, as in JSON.
fn check_name(first: Option<&u8>) -> Result<(), NotSerializable> {
    match first {
        None | Some(b'[' | b'{' | b'n') => Err(NotSerializable),
        Some(_) => Ok(()),
    }
}
