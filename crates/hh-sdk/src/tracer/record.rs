//! Records of spans in progress. Each part is encoded as soon as it is known.

use std::ops::Range;
use std::time::Instant;

use hh_api::attributes as names;
use hh_api::types::EventKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use serde::Serialize;
use uuid::Uuid;

use super::encode::put_value;
use super::kind::SpanKind;
use super::redact::Redactor;
use super::shared::Shared;
use super::state::Item;
use super::wire::{
    ATTRIBUTE, KEY, STRING, VALUE, close, delimited, fixed, open, put_bytes, put_fixed, put_varint,
    split_field, variable,
};
use crate::ids::{self, StartTime};

const TRACE_ID: u8 = delimited(1);
const SPAN_ID: u8 = delimited(2);
const PARENT_SPAN_ID: u8 = delimited(4);
const NAME: u8 = delimited(5);
const KIND: u8 = variable(6);
const START: u8 = fixed(7);
const END: u8 = fixed(8);
const STATUS: u8 = delimited(15);
const STATUS_MESSAGE: u8 = delimited(2);
const STATUS_CODE: u8 = variable(3);

/// `SPAN_KIND_INTERNAL`.
const INTERNAL: u8 = 1;

/// The initial capacity of a span, in bytes, which most spans do not exceed.
const USUAL_BYTES: usize = 768;

/// A span in progress.
pub(super) struct Record {
    session: Uuid,
    trace_id: [u8; 16],
    span_id: [u8; 8],
    parent: Option<[u8; 8]>,
    kind: SpanKind,
    started: Option<StartTime>,
    /// The OTLP span with its name and the attributes so far; empty if the tracer records nothing.
    encoded: Vec<u8>,
    error: Option<String>,
}

impl Record {
    /// Creates the record of a span directly below a session.
    pub(super) fn new(shared: &Shared, session: Uuid, name: &str, kind: SpanKind) -> Self {
        let (trace_id, span_id) = ids::trace_and_span_id();
        Self::with_ids(shared, session, name, kind, (trace_id, span_id, None))
    }

    /// Creates the record of a child span.
    pub(super) fn child(&self, shared: &Shared, name: &str, kind: SpanKind) -> Self {
        let ids = (self.trace_id, ids::span_id(), Some(self.span_id));
        Self::with_ids(shared, self.session, name, kind, ids)
    }

    /// Creates a record with these ids: trace, span and parent span.
    fn with_ids(
        shared: &Shared,
        session: Uuid,
        name: &str,
        kind: SpanKind,
        (trace_id, span_id, parent): ([u8; 16], [u8; 8], Option<[u8; 8]>),
    ) -> Self {
        let mut encoded = Vec::new();
        if shared.queue.is_recording() {
            encoded.reserve(USUAL_BYTES);
            put_bytes(&mut encoded, NAME, shared.redactor.redact(name).as_bytes());
        }
        Self {
            session,
            trace_id,
            span_id,
            parent,
            kind,
            started: None,
            encoded,
            error: None,
        }
    }

    /// Sets the start to the current time.
    pub(super) fn start(&mut self) {
        self.started = Some(StartTime::now());
    }

    /// Returns the name without API keys; empty if the tracer records nothing.
    pub(super) fn name(&self) -> &str {
        let name = split_field(&self.encoded).map(|(_, name, _)| name);
        name.and_then(|name| str::from_utf8(name).ok())
            .unwrap_or_default()
    }

    /// Sets a value and replaces one with the same name.
    pub(super) fn set(
        &mut self,
        redactor: &Redactor,
        member: &str,
        name: &str,
        value: &impl Serialize,
    ) {
        if self.encoded.is_empty() {
            return;
        }
        let encoded = PartialAttribute::new(&mut self.encoded);
        let start = encoded.start;
        let attribute = open(encoded.out, ATTRIBUTE);
        let key = open(encoded.out, KEY);
        for part in ["honeyhive_", member, ".", &redactor.redact(name)] {
            encoded.out.extend_from_slice(part.as_bytes());
        }
        close(encoded.out, key);
        let any = open(encoded.out, VALUE);
        put_value(encoded.out, redactor, value);
        close(encoded.out, any);
        close(encoded.out, attribute);
        encoded.finish();
        if let Some(old) = find_replaced(&self.encoded, start) {
            self.encoded.drain(old);
        }
    }

    /// Sets the error.
    pub(super) fn set_error(&mut self, error: impl std::fmt::Display) {
        if !self.encoded.is_empty() {
            self.error = Some(error.to_string());
        }
    }

    /// Ends the span and queues it.
    pub(super) fn end(mut self, shared: &Shared) {
        if self.encoded.is_empty() {
            return;
        }
        let started = self.started.unwrap_or_else(StartTime::now);
        let now = Instant::now();
        let out = &mut self.encoded;
        let mut id = [0; uuid::fmt::Hyphenated::LENGTH];
        let id = self.session.hyphenated().encode_lower(&mut id);
        put_attribute(out, names::SESSION_ID, id);
        put_attribute(out, names::EVENT_TYPE, EventKind::from(self.kind).as_str());
        out.extend_from_slice(&shared.attributes);
        if let Some(error) = &self.error {
            let error = shared.redactor.redact(error);
            put_attribute(out, names::ERROR, &error);
            let status = open(out, STATUS);
            put_bytes(out, STATUS_MESSAGE, error.as_bytes());
            out.push(STATUS_CODE);
            put_varint(out, StatusCode::Error as u64);
            close(out, status);
        }
        put_bytes(out, TRACE_ID, &self.trace_id);
        put_bytes(out, SPAN_ID, &self.span_id);
        if let Some(parent) = &self.parent {
            put_bytes(out, PARENT_SPAN_ID, parent);
        }
        out.extend_from_slice(&[KIND, INTERNAL]);
        put_fixed(out, START, started.nanos().to_le_bytes());
        put_fixed(out, END, started.nanos_at(now).to_le_bytes());
        shared.queue.push(Item::Span(out, now));
    }
}

/// Encodes the attributes that all spans of a tracer have.
pub(super) fn common_attributes(
    redactor: &Redactor,
    source: &str,
    project: Option<&str>,
) -> Vec<u8> {
    let mut out = Vec::new();
    put_attribute(&mut out, names::SOURCE, &redactor.redact(source));
    if let Some(project) = project {
        put_attribute(&mut out, names::PROJECT, &redactor.redact(project));
    }
    out
}

/// Appends a text attribute.
fn put_attribute(out: &mut Vec<u8>, key: &str, text: &str) {
    let attribute = open(out, ATTRIBUTE);
    put_bytes(out, KEY, key.as_bytes());
    let any = open(out, VALUE);
    put_bytes(out, STRING, text.as_bytes());
    close(out, any);
    close(out, attribute);
}

/// Finds the attribute before `start` with the name of the attribute at `start`, because OTLP names are unique.
fn find_replaced(encoded: &[u8], start: usize) -> Option<Range<usize>> {
    let (before, new) = encoded.split_at_checked(start)?;
    let (_, new, _) = split_field(new)?;
    let (_, _, value) = split_field(new)?;
    // The name comes first, with its length.
    let name = &new[..new.len() - value.len()];
    let mut rest = before;
    while let Some((tag, attribute, after)) = split_field(rest) {
        let at = before.len() - rest.len();
        rest = after;
        if tag == ATTRIBUTE && attribute.starts_with(name) {
            return Some(at..before.len() - rest.len());
        }
    }
    None
}

/// A guard that removes an attribute again if the serialization of its value panics.
struct PartialAttribute<'a> {
    out: &'a mut Vec<u8>,
    start: usize,
    is_finished: bool,
}

impl<'a> PartialAttribute<'a> {
    /// Starts an attribute at the end of the buffer.
    fn new(out: &'a mut Vec<u8>) -> Self {
        Self {
            start: out.len(),
            out,
            is_finished: false,
        }
    }

    /// Keeps the attribute.
    fn finish(mut self) {
        self.is_finished = true;
    }
}

impl Drop for PartialAttribute<'_> {
    fn drop(&mut self) {
        if !self.is_finished {
            self.out.truncate(self.start);
        }
    }
}
