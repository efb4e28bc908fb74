//! Decodes exports in JSON, in the dialects of different senders.
//!
//! Names of members in camel case and in snake case mean the same. Null means absent, anywhere. Numbers may be text and
//! text may be numbers.

mod messages;
mod values;

use self::messages::{read_resource, read_scope, read_span};
use super::reason;
use super::span::{DecodeSpansError, Origin, SpanSink};
use crate::json::{Parser, Stop};

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
    let mut groups = Groups {
        sink,
        has_spans: false,
        misspelled: 0,
    };
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
                        return groups.resource_spans(parser);
                    }
                    if !parser.null()? {
                        parser.skip()?;
                        groups.sink.reject(reason::DAMAGED_GROUP);
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
        Some(what) if !is_traces => return Err(Stop::Refused(what).into()),
        _ => {}
    }
    if groups.misspelled > 0 && !groups.has_spans {
        return Err(Stop::Refused(
            "the body contains no span; expected the members scopeSpans in resourceSpans, and spans in scopeSpans",
        )
        .into());
    }
    for _ in 0..groups.misspelled {
        groups.sink.reject(reason::NO_SPANS);
    }
    Ok(())
}

/// The receiver of the spans of an export, and what was found so far.
struct Groups<'s, S> {
    sink: &'s mut S,
    /// Whether a list of spans was found.
    has_spans: bool,
    /// The number of groups that have no spans, but a list with another name.
    misspelled: u32,
}

impl<S: SpanSink> Groups<'_, S> {
    /// Reads a `ResourceSpans`. Spans that stand before their resource are read after it.
    fn resource_spans(&mut self, parser: &mut Parser<'_>) -> Result<(), Failure<S::Error>> {
        let mut origin = Origin::default();
        let mut has_resource = false;
        let mut members = Members::default();
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
                members.is_complete = true;
                if has_resource {
                    return self.list_of_scopes(parser, &mut origin);
                }
                members.later.push(parser.position());
                Ok(parser.skip()?)
            }
            _ => Ok(members.skip_other(parser)?),
        })?;
        self.misspelled += u32::from(members.is_misspelled());
        let end = parser.position();
        for start in members.later {
            parser.go_to(start);
            self.list_of_scopes(parser, &mut origin)?;
        }
        parser.go_to(end);
        Ok(())
    }

    fn list_of_scopes(
        &mut self,
        parser: &mut Parser<'_>,
        origin: &mut Origin,
    ) -> Result<(), Failure<S::Error>> {
        if parser.null()? {
            return Ok(());
        }
        if parser.peek()? != b'[' {
            self.sink.reject(reason::DAMAGED_GROUP);
            return Ok(parser.skip()?);
        }
        parser.list(|parser| {
            if parser.peek()? == b'{' {
                return self.scope_spans(parser, origin);
            }
            if !parser.null()? {
                parser.skip()?;
                self.sink.reject(reason::DAMAGED_GROUP);
            }
            Ok(())
        })
    }

    /// Reads a `ScopeSpans`. Spans that stand before their scope are read after it.
    fn scope_spans(
        &mut self,
        parser: &mut Parser<'_>,
        origin: &mut Origin,
    ) -> Result<(), Failure<S::Error>> {
        origin.clear_scope();
        let mut has_scope = false;
        let mut members = Members::default();
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
                members.is_complete = true;
                if has_scope {
                    return self.spans(parser, origin);
                }
                members.later.push(parser.position());
                Ok(parser.skip()?)
            }
            _ => Ok(members.skip_other(parser)?),
        })?;
        self.misspelled += u32::from(members.is_misspelled());
        let end = parser.position();
        for start in members.later {
            parser.go_to(start);
            self.spans(parser, origin)?;
        }
        parser.go_to(end);
        Ok(())
    }

    fn spans(&mut self, parser: &mut Parser<'_>, origin: &Origin) -> Result<(), Failure<S::Error>> {
        self.has_spans = true;
        if parser.null()? {
            return Ok(());
        }
        if parser.peek()? != b'[' {
            self.sink.reject(reason::NOT_LIST);
            return Ok(parser.skip()?);
        }
        parser.list(|parser| {
            let start = parser.position();
            match read_span(parser) {
                Ok(span) => self.sink.span(origin, span).map_err(Failure::Sink),
                Err(Stop::Refused(reason)) => {
                    self.sink.reject(reason);
                    Ok(parser.skip_from(start)?)
                }
                Err(Stop::Syntax) => Err(Stop::Syntax.into()),
            }
        })
    }
}

/// What was found in a group of spans.
#[derive(Default)]
struct Members {
    /// Whether the group has the member that contains its spans.
    is_complete: bool,
    /// Whether the group has a list with an unknown name.
    has_other_list: bool,
    /// The positions of the members that are read after the group, because the resource or the scope may follow.
    later: Vec<usize>,
}

impl Members {
    fn skip_other(&mut self, parser: &mut Parser<'_>) -> Result<(), Stop> {
        self.has_other_list |= parser.peek()? == b'[';
        parser.skip()
    }

    fn is_misspelled(&self) -> bool {
        self.has_other_list && !self.is_complete
    }
}
