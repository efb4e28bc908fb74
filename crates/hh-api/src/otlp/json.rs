//! Decodes exports in JSON, in the dialects of different senders.
//!
//! Names of members in camel case and in snake case mean the same. Null means absent, anywhere. Numbers may be text and
//! text may be numbers.

mod messages;
mod parser;
mod values;

use self::messages::{read_resource, read_scope, read_span};
use self::parser::{Parser, Stop};
use super::reason;
use super::span::{DecodeSpansError, Origin, SpanSink};

const EXPECTED: &str =
    "the body is not an OTLP trace export; expected an object with the member resourceSpans";

/// Decodes an export request in JSON and passes each span on before the next one is decoded.
///
/// A span with an unreadable value is rejected alone.
///
/// # Errors
/// [`DecodeSpansError::Malformed`] if the body is not JSON, [`DecodeSpansError::NotTraces`] if it is something else than
/// an export of traces, and the errors of `sink`.
pub fn decode_json<S: SpanSink>(
    body: &[u8],
    sink: &mut S,
) -> Result<(), DecodeSpansError<S::Error>> {
    let mut parser = Parser::new(body);
    match read_request(&mut parser, sink) {
        Ok(()) => Ok(()),
        Err(Failure::Stop(Stop::Syntax)) => Err(DecodeSpansError::Malformed {
            place: Some(parser.place()),
        }),
        Err(Failure::Stop(Stop::Refused(what))) => Err(DecodeSpansError::NotTraces(what)),
        Err(Failure::Sink(error)) => Err(DecodeSpansError::Sink(error)),
    }
}

/// The error of a part of the body that contains spans.
enum Failure<E> {
    Stop(Stop),
    Sink(E),
}

impl<E> From<Stop> for Failure<E> {
    fn from(stop: Stop) -> Self {
        Self::Stop(stop)
    }
}

fn read_request<S: SpanSink>(
    parser: &mut Parser<'_>,
    sink: &mut S,
) -> Result<(), Failure<S::Error>> {
    let (mut is_traces, mut is_other) = (false, None);
    if parser.peek()? != b'{' {
        parser.skip()?;
        parser.end()?;
        return Err(Stop::Refused(EXPECTED).into());
    }
    parser.object(|parser, key| {
        match key {
            "resourceSpans" | "resource_spans" => {
                is_traces = true;
                if parser.null()? {
                    return Ok(());
                }
                if parser.peek()? != b'[' {
                    return Err(Stop::Refused(
                        "the member resourceSpans is not a list; expected a list of objects with the member scopeSpans",
                    )
                    .into());
                }
                return parser.list(|parser| {
                    if parser.peek()? == b'{' {
                        return read_group(parser, sink);
                    }
                    if !parser.null()? {
                        parser.skip()?;
                        sink.reject(reason::DAMAGED_GROUP);
                    }
                    Ok(())
                });
            }
            "resourceMetrics" | "resource_metrics" => {
                is_other = Some(
                    "the body is an OTLP export of metrics; this server accepts traces: expected the member resourceSpans",
                );
            }
            "resourceLogs" | "resource_logs" => {
                is_other = Some(
                    "the body is an OTLP export of logs; this server accepts traces: expected the member resourceSpans",
                );
            }
            _ => is_other = is_other.or(Some(EXPECTED)),
        }
        Ok(parser.skip()?)
    })?;
    parser.end()?;
    match is_other {
        Some(what) if !is_traces => Err(Stop::Refused(what).into()),
        _ => Ok(()),
    }
}

/// Reads a `ResourceSpans`. Spans that stand before their resource are read after it.
fn read_group<S: SpanSink>(parser: &mut Parser<'_>, sink: &mut S) -> Result<(), Failure<S::Error>> {
    let mut origin = Origin::default();
    let mut has_resource = false;
    let mut later = Vec::new();
    parser.object(|parser, key| match key {
        "resource" => {
            has_resource = true;
            let start = parser.position();
            let read = read_resource(parser, &mut origin);
            origin.measure_resource();
            match read {
                // Without its attributes, the spans are still complete.
                Err(Stop::Refused(_)) => Ok(parser.skip_from(start)?),
                other => Ok(other?),
            }
        }
        "scopeSpans" | "scope_spans" | "instrumentationLibrarySpans" => {
            if has_resource {
                return read_scopes(parser, sink, &mut origin);
            }
            later.push(parser.position());
            Ok(parser.skip()?)
        }
        _ => Ok(parser.skip()?),
    })?;
    let end = parser.position();
    for start in later {
        parser.go_to(start);
        read_scopes(parser, sink, &mut origin)?;
    }
    parser.go_to(end);
    Ok(())
}

fn read_scopes<S: SpanSink>(
    parser: &mut Parser<'_>,
    sink: &mut S,
    origin: &mut Origin,
) -> Result<(), Failure<S::Error>> {
    if parser.null()? {
        return Ok(());
    }
    if parser.peek()? != b'[' {
        sink.reject(reason::DAMAGED_GROUP);
        return Ok(parser.skip()?);
    }
    parser.list(|parser| {
        if parser.peek()? == b'{' {
            return read_scoped(parser, sink, origin);
        }
        if !parser.null()? {
            parser.skip()?;
            sink.reject(reason::DAMAGED_GROUP);
        }
        Ok(())
    })
}

/// Reads a `ScopeSpans`. Spans that stand before their scope are read after it.
fn read_scoped<S: SpanSink>(
    parser: &mut Parser<'_>,
    sink: &mut S,
    origin: &mut Origin,
) -> Result<(), Failure<S::Error>> {
    origin.clear_scope();
    let mut has_scope = false;
    let mut later = Vec::new();
    parser.object(|parser, key| match key {
        "scope" | "instrumentationLibrary" => {
            has_scope = true;
            let start = parser.position();
            let read = read_scope(parser, origin);
            origin.measure_scope();
            match read {
                Err(Stop::Refused(_)) => Ok(parser.skip_from(start)?),
                other => Ok(other?),
            }
        }
        "spans" => {
            if has_scope {
                return read_spans(parser, sink, origin);
            }
            later.push(parser.position());
            Ok(parser.skip()?)
        }
        _ => Ok(parser.skip()?),
    })?;
    let end = parser.position();
    for start in later {
        parser.go_to(start);
        read_spans(parser, sink, origin)?;
    }
    parser.go_to(end);
    Ok(())
}

fn read_spans<S: SpanSink>(
    parser: &mut Parser<'_>,
    sink: &mut S,
    origin: &Origin,
) -> Result<(), Failure<S::Error>> {
    if parser.null()? {
        return Ok(());
    }
    if parser.peek()? != b'[' {
        sink.reject(reason::NOT_LIST);
        return Ok(parser.skip()?);
    }
    parser.list(|parser| {
        let start = parser.position();
        match read_span(parser) {
            Ok(span) => sink.span(origin, span).map_err(Failure::Sink),
            Err(Stop::Refused(reason)) => {
                sink.reject(reason);
                Ok(parser.skip_from(start)?)
            }
            Err(Stop::Syntax) => Err(Stop::Syntax.into()),
        }
    })
}
