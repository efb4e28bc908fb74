//! Checks the decoders of trace exports: any input is decoded or rejected, and every span becomes an event.
//!
//! The integration tests of hh-api include this file and replay the committed corpora with it. Therefore, it uses only
//! hh-api and `serde_json`.

use std::convert::Infallible;

use hh_api::attributes::{NoLimits, map_span};
use hh_api::otlp::{DecodeSpansError, Origin, Span, SpanSink, decode_json, decode_protobuf};

/// The maximum length of a body that is read, in bytes.
const LARGEST: usize = 256 * 1024;

/// Checks a body in protobuf.
///
/// # Panics
/// Panics if a property does not hold.
pub fn otlp_pb(data: &[u8]) {
    drop(check(data, decode_protobuf));
}

/// Checks a body in JSON. Every body that a strict parser accepts is JSON to the decoder too.
///
/// # Panics
/// Panics if a property does not hold.
pub fn otlp_json(data: &[u8]) {
    let decoded = check(data, decode_json);
    let is_json = serde_json::from_slice::<serde_json::Value>(data).is_ok();
    if data.len() <= LARGEST && is_json {
        assert!(
            !matches!(decoded, Err(DecodeSpansError::Malformed { .. })),
            "valid JSON is malformed"
        );
    }
}

type Decoded = Result<(), DecodeSpansError<Infallible>>;

fn check(data: &[u8], decode: fn(&[u8], &mut Events) -> Decoded) -> Decoded {
    if data.len() > LARGEST {
        return Ok(());
    }
    let mut first = Events::default();
    let decoded = decode(data, &mut first);
    let mut second = Events::default();
    assert_eq!(decode(data, &mut second), decoded, "the result changes");
    assert_eq!(first.0, second.0, "the events change");
    decoded
}

/// The events of the spans as JSON.
#[derive(Default)]
struct Events(Vec<String>);

impl SpanSink for Events {
    type Error = Infallible;

    fn span(&mut self, origin: &Origin, span: Span) -> Result<(), Infallible> {
        assert_eq!((span.trace_id.len(), span.span_id.len()), (16, 8));
        assert!(matches!(span.parent_span_id.len(), 0 | 8));
        let Ok(fields) = map_span(span, origin, &mut NoLimits);
        assert!(fields.started <= fields.ended);
        let objects = [
            &fields.inputs,
            &fields.outputs,
            &fields.config,
            &fields.metadata,
        ];
        let event = serde_json::to_string(&objects).expect("an event is JSON");
        self.0.push(format!("{} {event}", fields.name));
        Ok(())
    }

    fn reject(&mut self, reason: &'static str) {
        assert!(!reason.is_empty());
    }
}
