//! Reads the messages of a span.

use super::super::reason;
use super::super::span::{Origin, Span, SpanEvent, SpanLink, StatusCode, check_ids};
use super::super::value::base64;
use super::values::{items, key_values, members, text};
use crate::json::{Parser, Scalar, Stop, unsigned};

pub(super) fn read_resource(parser: &mut Parser<'_>, origin: &mut Origin) -> Result<(), Stop> {
    members(parser, |parser, key| match key {
        "attributes" => {
            origin.resource.extend(key_values(parser, 0)?);
            Ok(())
        }
        "droppedAttributesCount" | "dropped_attributes_count" => {
            origin.dropped_resource_attributes = count(parser)?;
            Ok(())
        }
        _ => parser.skip(),
    })
}

pub(super) fn read_scope(parser: &mut Parser<'_>, origin: &mut Origin) -> Result<(), Stop> {
    members(parser, |parser, key| {
        match key {
            "name" => origin.scope_name = text(parser)?,
            "version" => origin.scope_version = text(parser)?,
            "attributes" => origin.scope_attributes.extend(key_values(parser, 0)?),
            "droppedAttributesCount" | "dropped_attributes_count" => {
                origin.dropped_scope_attributes = count(parser)?;
            }
            _ => parser.skip()?,
        }
        Ok(())
    })
}

pub(super) fn read_span(parser: &mut Parser<'_>) -> Result<Span, Stop> {
    let mut span = Span::default();
    if parser.peek()? != b'{' {
        return Err(Stop::Refused(reason::NOT_OBJECT));
    }
    parser.object(|parser, key| {
        match key {
            "traceId" | "trace_id" => span.trace_id = id(parser, 16)?,
            "spanId" | "span_id" => span.span_id = id(parser, 8)?,
            "parentSpanId" | "parent_span_id" => span.parent_span_id = id(parser, 8)?,
            "traceState" | "trace_state" => span.trace_state = text(parser)?,
            "flags" => span.flags = count(parser)?,
            "name" => span.name = text(parser)?,
            "kind" => {
                span.kind = number_of(parser, &KINDS)?
                    .and_then(|kind| i32::try_from(kind).ok())
                    .unwrap_or_default();
            }
            "startTimeUnixNano" | "start_time_unix_nano" => span.start = time(parser)?,
            "endTimeUnixNano" | "end_time_unix_nano" => span.end = time(parser)?,
            "attributes" => span.attributes = key_values(parser, 0)?,
            "droppedAttributesCount" | "dropped_attributes_count" => {
                span.dropped_attributes = count(parser)?;
            }
            "events" => items(parser, |parser| {
                span.events.push(read_event(parser)?);
                Ok(())
            })?,
            "droppedEventsCount" | "dropped_events_count" => span.dropped_events = count(parser)?,
            "links" => items(parser, |parser| {
                span.links.push(read_link(parser)?);
                Ok(())
            })?,
            "droppedLinksCount" | "dropped_links_count" => span.dropped_links = count(parser)?,
            "status" => members(parser, |parser, key| {
                match key {
                    "message" => span.status_message = text(parser)?,
                    "code" => {
                        let code = number_of(parser, &STATUS_CODES)?;
                        span.status = code.map(StatusCode::of).unwrap_or_default();
                    }
                    _ => parser.skip()?,
                }
                Ok(())
            })?,
            _ => parser.skip()?,
        }
        Ok::<_, Stop>(())
    })?;
    check_ids(&mut span).map_err(Stop::Refused)?;
    Ok(span)
}

fn read_event(parser: &mut Parser<'_>) -> Result<SpanEvent, Stop> {
    let mut event = SpanEvent::default();
    members(parser, |parser, key| {
        match key {
            "timeUnixNano" | "time_unix_nano" => event.time = time(parser)?,
            "name" => event.name = text(parser)?,
            "attributes" => event.attributes = key_values(parser, 0)?,
            "droppedAttributesCount" | "dropped_attributes_count" => {
                event.dropped_attributes = count(parser)?;
            }
            _ => parser.skip()?,
        }
        Ok(())
    })?;
    Ok(event)
}

fn read_link(parser: &mut Parser<'_>) -> Result<SpanLink, Stop> {
    let mut link = SpanLink::default();
    members(parser, |parser, key| {
        match key {
            "traceId" | "trace_id" => link.trace_id = id(parser, 16)?,
            "spanId" | "span_id" => link.span_id = id(parser, 8)?,
            "traceState" | "trace_state" => link.trace_state = text(parser)?,
            "attributes" => link.attributes = key_values(parser, 0)?,
            "droppedAttributesCount" | "dropped_attributes_count" => {
                link.dropped_attributes = count(parser)?;
            }
            "flags" => link.flags = count(parser)?,
            _ => parser.skip()?,
        }
        Ok(())
    })?;
    Ok(link)
}

/// Reads an id in hexadecimal, or in base64 if that has the right length. Any other text leads to an empty id.
fn id(parser: &mut Parser<'_>, length: usize) -> Result<Vec<u8>, Stop> {
    let Scalar::Text(text) = parser.scalar()? else {
        return Ok(Vec::new());
    };
    let text = text.trim();
    if let Some(id) = unhex(text) {
        return Ok(id);
    }
    let id = base64(text).filter(|id| id.len() == length);
    Ok(id.unwrap_or_default())
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    };
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    let mut bytes = Vec::with_capacity(pairs.len());
    for [high, low] in pairs {
        bytes.push(digit(*high)? << 4 | digit(*low)?);
    }
    Some(bytes)
}

/// Reads a time as text or number, with any exponent; absent means 0.
fn time(parser: &mut Parser<'_>) -> Result<u64, Stop> {
    match parser.scalar()? {
        Scalar::Null => Some(0),
        Scalar::Text(text) if text.trim().is_empty() => Some(0),
        Scalar::Number(number) => unsigned(number),
        Scalar::Text(text) => unsigned(&text),
        Scalar::Bool(_) | Scalar::Other(_) => None,
    }
    .ok_or(Stop::Refused(reason::TIME))
}

/// Reads a number of 32 bits; anything else is 0.
fn count(parser: &mut Parser<'_>) -> Result<u32, Stop> {
    let number = match parser.scalar()? {
        Scalar::Number(number) => unsigned(number),
        Scalar::Text(text) => unsigned(&text),
        Scalar::Null | Scalar::Bool(_) | Scalar::Other(_) => None,
    };
    Ok(number
        .and_then(|number| u32::try_from(number).ok())
        .unwrap_or_default())
}

/// The names of kinds, by their numbers.
const KINDS: [&str; 6] = [
    "SPAN_KIND_UNSPECIFIED",
    "SPAN_KIND_INTERNAL",
    "SPAN_KIND_SERVER",
    "SPAN_KIND_CLIENT",
    "SPAN_KIND_PRODUCER",
    "SPAN_KIND_CONSUMER",
];
/// The names of status codes, by their numbers.
const STATUS_CODES: [&str; 3] = ["STATUS_CODE_UNSET", "STATUS_CODE_OK", "STATUS_CODE_ERROR"];

/// Reads an enum as number, as number in text, or as name with or without its prefix, in any case.
fn number_of(parser: &mut Parser<'_>, names: &[&str]) -> Result<Option<i64>, Stop> {
    let scalar = parser.scalar()?;
    let text = match &scalar {
        Scalar::Number(number) => number,
        Scalar::Text(text) => text.trim(),
        Scalar::Null | Scalar::Bool(_) | Scalar::Other(_) => return Ok(None),
    };
    let is_named = |name: &&str| {
        let prefix = name.len().saturating_sub(text.len());
        let is_end = prefix == 0 || name.as_bytes().get(prefix - 1) == Some(&b'_');
        is_end && !text.is_empty() && name[prefix..].eq_ignore_ascii_case(text)
    };
    let number = names
        .iter()
        .position(is_named)
        .or_else(|| unsigned(text)?.try_into().ok());
    Ok(number.and_then(|number| i64::try_from(number).ok()))
}
