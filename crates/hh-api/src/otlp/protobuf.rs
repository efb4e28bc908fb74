//! Decodes exports in protobuf.
//!
//! The messages are read directly, because the generated decoders reject a whole export for one invalid text, and hold
//! all of its spans at once. Fields that are not known are skipped.

mod wire;

use serde_json::Value;

use self::wire::{Damaged, Field, Reader};
use super::span::{
    DecodeSpansError, Origin, Span, SpanEvent, SpanLink, SpanSink, StatusCode, check_ids,
};
use super::value::bytes;
use super::{MAX_VALUE_DEPTH, reason};
use crate::json::{double, text};
use crate::types::Object;

/// Decodes an `ExportTraceServiceRequest` and passes each span on before the next one is decoded.
///
/// A span that is damaged within its own length, has invalid ids or is nested too deeply is rejected alone. If a group
/// of spans is damaged, its rest counts as one rejected span.
///
/// # Errors
/// [`DecodeSpansError::Malformed`] if the body is not a sequence of fields,
/// [`DecodeSpansError::NotTraces`] if it contains groups but nothing in them is a span, and the errors of `sink`.
pub fn decode_protobuf<S: SpanSink>(
    body: &[u8],
    sink: &mut S,
) -> Result<(), DecodeSpansError<S::Error>> {
    let mut groups = Groups {
        sink,
        was_readable: false,
        was_damaged: false,
    };
    let mut reader = Reader::new(body);
    loop {
        match reader.next() {
            Ok(None) => break,
            Ok(Some((1, Field::Bytes(group)))) => {
                groups
                    .resource_spans(group)
                    .map_err(DecodeSpansError::Sink)?;
            }
            Ok(Some((1, _))) | Err(Damaged) => {
                return Err(DecodeSpansError::Malformed { place: None });
            }
            Ok(Some(_)) => {}
        }
    }
    if groups.was_damaged && !groups.was_readable {
        return Err(DecodeSpansError::NotTraces(
            "the body contains no readable span; expected an OTLP trace export",
        ));
    }
    Ok(())
}

/// Decodes a `ScopeSpans` message of the process itself, without its scope.
///
/// # Errors
/// The errors of `sink`.
pub fn decode_scope_spans<S: SpanSink>(
    body: &[u8],
    origin: &Origin,
    sink: &mut S,
) -> Result<(), S::Error> {
    let mut groups = Groups {
        sink,
        was_readable: false,
        was_damaged: false,
    };
    groups.spans(body, origin)
}

/// A part of a message that is rejected, with the reason.
type Refused = &'static str;

impl From<Damaged> for Refused {
    fn from(_: Damaged) -> Self {
        reason::DAMAGED
    }
}

/// The receiver of the spans of an export, and what was found so far.
struct Groups<'a, S> {
    sink: &'a mut S,
    /// Whether a span could be read, even if it was rejected.
    was_readable: bool,
    was_damaged: bool,
}

impl<S: SpanSink> Groups<'_, S> {
    fn damaged(&mut self, reason: &'static str) {
        self.was_damaged = true;
        self.sink.reject(reason);
    }

    /// Reads a `ResourceSpans`. The resource applies to all of its spans, also to those before it.
    fn resource_spans(&mut self, group: &[u8]) -> Result<(), S::Error> {
        let mut origin = Origin::default();
        let mut reader = Reader::new(group);
        while let Ok(Some(field)) = reader.next() {
            if let (1, Field::Bytes(resource)) = field {
                // Without its attributes, the spans are still complete.
                let _ = read_resource(resource, &mut origin);
            }
        }
        origin.measure_resource();
        let mut reader = Reader::new(group);
        loop {
            match reader.next() {
                Ok(None) => return Ok(()),
                Ok(Some((2, Field::Bytes(scoped)))) => {
                    origin.clear_scope();
                    let mut fields = Reader::new(scoped);
                    while let Ok(Some(field)) = fields.next() {
                        if let (1, Field::Bytes(scope)) = field {
                            let _ = read_scope(scope, &mut origin);
                        }
                    }
                    origin.measure_scope();
                    self.spans(scoped, &origin)?;
                }
                Ok(Some((2, _))) => self.damaged(reason::DAMAGED_GROUP),
                Ok(Some(_)) => {}
                Err(Damaged) => {
                    self.damaged(reason::DAMAGED_GROUP);
                    return Ok(());
                }
            }
        }
    }

    /// Reads the spans of a `ScopeSpans`.
    fn spans(&mut self, scoped: &[u8], origin: &Origin) -> Result<(), S::Error> {
        let mut reader = Reader::new(scoped);
        loop {
            match reader.next() {
                Ok(None) => return Ok(()),
                Ok(Some((2, Field::Bytes(encoded)))) => match read_span(encoded) {
                    Ok(span) if is_metric(&span) => self.damaged(reason::DAMAGED),
                    Ok(mut span) => {
                        let has_time = span.start.max(span.end) > 0;
                        match check_ids(&mut span) {
                            Ok(()) => {
                                self.was_readable = true;
                                self.sink.span(origin, span)?;
                            }
                            Err(reason) => {
                                self.was_readable |= has_time;
                                self.was_damaged = true;
                                self.sink.reject(reason);
                            }
                        }
                    }
                    Err(reason::DAMAGED) => self.damaged(reason::DAMAGED),
                    Err(reason) => {
                        self.was_readable = true;
                        self.sink.reject(reason);
                    }
                },
                Ok(Some((2, _))) => self.damaged(reason::DAMAGED),
                Ok(Some(_)) => {}
                Err(Damaged) => {
                    self.damaged(reason::DAMAGED_GROUP);
                    return Ok(());
                }
            }
        }
    }
}

/// Returns whether a message is a gauge of an export of metrics. It can be read as a span without times, whose name is the
/// encoded list of data points.
fn is_metric(span: &Span) -> bool {
    span.start.max(span.end) == 0 && span.kind == 0 && span.name.starts_with('\n')
}

fn read_resource(message: &[u8], origin: &mut Origin) -> Result<(), Refused> {
    let mut reader = Reader::new(message);
    while let Some((number, field)) = reader.next()? {
        match number {
            1 => {
                let (key, value) = key_value(field.bytes()?, 0)?;
                origin.resource.insert(key, value);
            }
            2 => origin.dropped_resource_attributes = field.small()?,
            _ => {}
        }
    }
    Ok(())
}

fn read_scope(message: &[u8], origin: &mut Origin) -> Result<(), Refused> {
    let mut reader = Reader::new(message);
    while let Some((number, field)) = reader.next()? {
        match number {
            1 => origin.scope_name = text(field.bytes()?),
            2 => origin.scope_version = text(field.bytes()?),
            3 => {
                let (key, value) = key_value(field.bytes()?, 0)?;
                origin.scope_attributes.insert(key, value);
            }
            4 => origin.dropped_scope_attributes = field.small()?,
            _ => {}
        }
    }
    Ok(())
}

fn read_span(message: &[u8]) -> Result<Span, Refused> {
    let mut span = Span::default();
    let mut reader = Reader::new(message);
    while let Some((number, field)) = reader.next()? {
        match number {
            1 => span.trace_id = field.bytes()?.to_vec(),
            2 => span.span_id = field.bytes()?.to_vec(),
            3 => span.trace_state = text(field.bytes()?),
            4 => span.parent_span_id = field.bytes()?.to_vec(),
            5 => span.name = text(field.bytes()?),
            6 => span.kind = i32::try_from(field.int()?).unwrap_or_default(),
            7 => span.start = field.fixed64()?,
            8 => span.end = field.fixed64()?,
            9 => span.attributes.push(key_value(field.bytes()?, 0)?),
            10 => span.dropped_attributes = field.small()?,
            11 => span.events.push(read_event(field.bytes()?)?),
            12 => span.dropped_events = field.small()?,
            13 => span.links.push(read_link(field.bytes()?)?),
            14 => span.dropped_links = field.small()?,
            15 => {
                let mut status = Reader::new(field.bytes()?);
                while let Some((number, field)) = status.next()? {
                    match number {
                        2 => span.status_message = text(field.bytes()?),
                        3 => span.status = StatusCode::of(field.int()?),
                        _ => {}
                    }
                }
            }
            16 => span.flags = field.fixed32()?,
            _ => {}
        }
    }
    Ok(span)
}

fn read_event(message: &[u8]) -> Result<SpanEvent, Refused> {
    let mut event = SpanEvent::default();
    let mut reader = Reader::new(message);
    while let Some((number, field)) = reader.next()? {
        match number {
            1 => event.time = field.fixed64()?,
            2 => event.name = text(field.bytes()?),
            3 => event.attributes.push(key_value(field.bytes()?, 0)?),
            4 => event.dropped_attributes = field.small()?,
            _ => {}
        }
    }
    Ok(event)
}

fn read_link(message: &[u8]) -> Result<SpanLink, Refused> {
    let mut link = SpanLink::default();
    let mut reader = Reader::new(message);
    while let Some((number, field)) = reader.next()? {
        match number {
            1 => link.trace_id = field.bytes()?.to_vec(),
            2 => link.span_id = field.bytes()?.to_vec(),
            3 => link.trace_state = text(field.bytes()?),
            4 => link.attributes.push(key_value(field.bytes()?, 0)?),
            5 => link.dropped_attributes = field.small()?,
            6 => link.flags = field.fixed32()?,
            _ => {}
        }
    }
    Ok(link)
}

/// Reads a `KeyValue`. `depth` is the number of lists and objects around it.
fn key_value(message: &[u8], depth: usize) -> Result<(String, Value), Refused> {
    let (mut key, mut value) = (String::new(), Value::Null);
    let mut reader = Reader::new(message);
    while let Some((number, field)) = reader.next()? {
        match number {
            1 => key = text(field.bytes()?),
            2 => value = any_value(field.bytes()?, depth)?,
            _ => {}
        }
    }
    Ok((key, value))
}

/// Reads an `AnyValue`.
fn any_value(message: &[u8], depth: usize) -> Result<Value, Refused> {
    let mut value = Value::Null;
    let mut reader = Reader::new(message);
    while let Some((number, field)) = reader.next()? {
        value = match number {
            1 => Value::String(text(field.bytes()?)),
            2 => Value::Bool(field.int()? != 0),
            3 => Value::from(field.int()?),
            4 => double(f64::from_bits(field.fixed64()?)),
            5 | 6 if depth == MAX_VALUE_DEPTH => return Err(reason::TOO_DEEP),
            5 => Value::Array(values(field.bytes()?, depth + 1)?),
            6 => Value::Object(members(field.bytes()?, depth + 1)?),
            7 => bytes(field.bytes()?),
            // A reference to a list of strings, which only profiles use, or a field that is not known.
            _ => continue,
        };
    }
    Ok(value)
}

/// Reads an `ArrayValue`.
fn values(message: &[u8], depth: usize) -> Result<Vec<Value>, Refused> {
    let mut values = Vec::new();
    let mut reader = Reader::new(message);
    while let Some((number, field)) = reader.next()? {
        if number == 1 {
            values.push(any_value(field.bytes()?, depth)?);
        }
    }
    Ok(values)
}

/// Reads a `KeyValueList`.
fn members(message: &[u8], depth: usize) -> Result<Object, Refused> {
    let mut members = Object::new();
    let mut reader = Reader::new(message);
    while let Some((number, field)) = reader.next()? {
        if number == 1 {
            members.extend([key_value(field.bytes()?, depth)?]);
        }
    }
    Ok(members)
}
