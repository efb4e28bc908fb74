//! Decodes and maps the spans of an export, one at a time.

use hh_api::attributes::map_span;
use hh_api::otlp::{DecodeSpansError, Origin, Span, SpanSink, decode_json, decode_protobuf};
use http::StatusCode;

use super::group::assign_sessions;
use super::map::{MappedSpan, UNPACKED_VALUES, Values};
use super::{Encoding, Rejections};
use crate::http::body::MAX_BODY;
use crate::http::budget::Reservation;
use crate::http::error::ApiError;
use crate::redact::{may_contain_keys, redact_origin, redact_span};

/// The maximum size of all copies of resources and scopes in one request, in bytes. A small body can contain a large
/// resource with many spans, and each of them takes the time to copy the resource.
const MAX_COPIES: usize = 256 * 1024 * 1024;

/// The size of a resource and a scope above which memory is reserved for the copies of one span, in bytes.
const LARGE_ORIGIN: usize = 64 * 1024;
/// The approximate memory of a copy, in relation to its size.
const ORIGIN_FACTOR: usize = 3;

/// The properties of a server and a request that affect the spans of an export.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrival {
    /// The time of the request, in nanoseconds since 1970.
    pub(crate) time: i64,
    /// Whether API keys are removed from the spans.
    pub(crate) redact_keys: bool,
}

/// The spans of an export.
pub(crate) struct Received {
    pub(crate) spans: Vec<MappedSpan>,
    pub(crate) rejections: Rejections,
}

/// Decodes an export and maps its spans.
///
/// Each span is encoded before the next one is decoded, so that only the values of one span are in memory. A span that
/// cannot be stored is rejected alone. Afterwards `reservation` includes the encoded spans.
pub(crate) fn receive(
    encoding: Encoding,
    body: &[u8],
    arrival: Arrival,
    reservation: &mut Reservation,
) -> Result<Received, ApiError> {
    let mut receiver = Receiver {
        received: Received {
            spans: Vec::new(),
            rejections: Rejections::default(),
        },
        stored: 0,
        copies: 0,
        allowance: UNPACKED_VALUES,
        redacts: arrival.redact_keys && may_contain_keys(body),
        arrived: arrival.time,
        reservation,
    };
    let decoded = match encoding {
        Encoding::Protobuf => decode_protobuf(body, &mut receiver),
        Encoding::Json => decode_json(body, &mut receiver),
    };
    match decoded {
        Ok(()) => {}
        Err(DecodeSpansError::Sink(error)) => return Err(error),
        Err(DecodeSpansError::NotTraces(what)) => return Err(ApiError::invalid(what)),
        Err(DecodeSpansError::Malformed {
            place: Some((line, column)),
        }) => {
            return Err(ApiError::invalid(format!(
                "the body is not an OTLP trace export in JSON (line {line}, column {column})"
            )));
        }
        Err(_) => {
            let what = "the body is not an OTLP trace export in protobuf";
            return Err(ApiError::invalid(what));
        }
    }
    assign_sessions(&mut receiver.received.spans);
    Ok(receiver.received)
}

/// Maps spans as they are decoded.
struct Receiver<'a> {
    received: Received,
    /// The size of the encoded spans, in bytes.
    stored: usize,
    /// The size of all copies of resources and scopes, in bytes.
    copies: usize,
    /// The number of values that may still be parsed from strings.
    allowance: usize,
    redacts: bool,
    arrived: i64,
    reservation: &'a mut Reservation,
}

impl Receiver<'_> {
    fn map(&mut self, origin: &Origin, mut span: Span) -> Result<MappedSpan, ApiError> {
        let mut values = Values::new(self.reservation, &mut self.allowance, self.redacts);
        if origin.size() > LARGE_ORIGIN {
            let copies = if self.redacts { 2 } else { 1 };
            values.reserve(copies * ORIGIN_FACTOR * origin.size())?;
        }
        let fields = if self.redacts {
            redact_span(&mut span);
            map_span(span, &redact_origin(origin), &mut values)?
        } else {
            map_span(span, origin, &mut values)?
        };
        let span = MappedSpan::new(fields, self.arrived)?;
        drop(values);
        if self.stored + span.body.len() > MAX_BODY {
            return Err(ApiError::too_large());
        }
        self.stored += span.body.len();
        self.reservation.grow_for_work(span.size())?;
        Ok(span)
    }
}

impl SpanSink for Receiver<'_> {
    type Error = ApiError;

    fn span(&mut self, origin: &Origin, span: Span) -> Result<(), ApiError> {
        self.copies = self.copies.saturating_add(origin.size());
        if self.copies > MAX_COPIES {
            let reason = "the resource is too large for the number of spans; send smaller requests";
            self.received.rejections.add(reason);
            return Ok(());
        }
        match self.map(origin, span) {
            Ok(span) => self.received.spans.push(span),
            // The span alone exceeds a limit.
            Err(error) if error.status() == StatusCode::PAYLOAD_TOO_LARGE => {
                self.received.rejections.add(error.cause().to_owned());
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn reject(&mut self, reason: &'static str) {
        self.received.rejections.add(reason);
    }
}

#[cfg(test)]
mod tests;
