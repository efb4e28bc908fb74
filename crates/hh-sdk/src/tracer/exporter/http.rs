//! The exporter that sends telemetry to a HoneyHive server.

use bytes::Bytes;
use hh_api::OpId;
use hh_api::attributes::SCOPE;
use hh_transport::BoxFuture;

use super::{Block, ExportError, Exporter, Outcome};
use crate::resolve::{Message, Sender};
use crate::tracer::block::Content;
use crate::tracer::failure::Failure;
use crate::tracer::last_failure::LastFailure;
use crate::tracer::redact::Redactor;
use crate::tracer::response::read_rejection;
use crate::tracer::wire::{delimited, put_bytes, put_varint, varint_len};
use crate::{Error, ErrorKind};

/// `ExportTraceServiceRequest.resource_spans`.
const RESOURCE_SPANS: u8 = delimited(1);
/// `ResourceSpans.scope_spans`.
const SCOPE_SPANS: u8 = delimited(2);
/// `ScopeSpans.scope`.
const INSTRUMENTATION_SCOPE: u8 = delimited(1);
/// `InstrumentationScope.name`.
const NAME: u8 = delimited(1);
/// `InstrumentationScope.version`.
const VERSION: u8 = delimited(2);

/// An exporter that sends spans as OTLP and session changes as JSON.
pub(crate) struct HttpExporter {
    sender: Sender,
    redactor: Redactor,
    failure: LastFailure,
}

impl HttpExporter {
    /// Creates an exporter. `failure` is updated by the observer of the sender.
    pub(crate) fn new(sender: Sender, failure: LastFailure) -> Self {
        Self {
            redactor: Redactor::of(sender.clone()),
            sender,
            failure,
        }
    }

    /// Sends the blocks of one request.
    async fn send(&self, blocks: &[Block]) -> Outcome {
        let content = blocks.first().map_or(Content::Spans, Block::content);
        let sent = match content {
            Content::Spans => self.send_spans(blocks).await,
            Content::SessionStart => self.send_json(OpId::StartSession, blocks).await,
            Content::SessionChange => self.send_json(OpId::UpdateEvent, blocks).await,
        };
        sent.unwrap_or_else(|error| {
            let is_change = content == Content::SessionChange;
            Outcome::Failed(ExportError {
                failure: Failure::of(&error, is_change),
                message: error.to_line(),
                retry_after: error.retry_after(),
            })
        })
    }

    /// Sends a session change.
    async fn send_json(&self, op: OpId, blocks: &[Block]) -> Result<Outcome, Error> {
        let body = blocks.first().map(Block::body).unwrap_or_default();
        let message = Message::Json(self.redacted(body.to_vec()));
        self.sender.send(op, message).await?;
        Ok(Outcome::Delivered)
    }

    /// Sends spans. Spans that the server rejects are lost: OTLP forbids a retry ("Partial Success").
    async fn send_spans(&self, blocks: &[Block]) -> Result<Outcome, Error> {
        let message = Message::Protobuf(self.redacted(encode_request(blocks)));
        let response = self.sender.send(OpId::ExportTraces, message).await?;
        let sent = blocks.iter().map(Block::count).sum::<usize>();
        let sent = u32::try_from(sent).unwrap_or(u32::MAX);
        let Some(refused) = read_rejection(&response, sent) else {
            let why = "the response is not an OTLP export response: it may come from a proxy or a login page";
            return Err(Error::new(ErrorKind::Unavailable, why));
        };
        if refused.count == 0 {
            return Ok(Outcome::Delivered);
        }
        let why = self.redactor.clean(&refused.reason);
        let why = if why.is_empty() {
            "no reason given"
        } else {
            &why
        };
        Ok(Outcome::Refused {
            count: refused.count.into(),
            reason: format!("rejected by the server: {why}"),
        })
    }

    /// Returns a body with API keys redacted.
    fn redacted(&self, mut body: Vec<u8>) -> Bytes {
        self.redactor.redact_bytes(&mut body);
        Bytes::from(body)
    }
}

impl Exporter for HttpExporter {
    fn last_failure(&self) -> LastFailure {
        self.failure.clone()
    }

    fn export<'a>(&'a mut self, blocks: &'a [Block]) -> BoxFuture<'a, Outcome> {
        Box::pin(self.send(blocks))
    }
}

/// Joins blocks of spans to the body of a request with one resource and one scope.
fn encode_request(blocks: &[Block]) -> Vec<u8> {
    let mut scope = Vec::new();
    put_bytes(&mut scope, NAME, SCOPE.as_bytes());
    put_bytes(&mut scope, VERSION, env!("CARGO_PKG_VERSION").as_bytes());
    let spans: usize = blocks.iter().map(|block| block.body().len()).sum();
    let scope_spans = length_of_field(scope.len()) + spans;
    let resource_spans = length_of_field(scope_spans);
    let mut body = Vec::with_capacity(length_of_field(resource_spans));
    body.push(RESOURCE_SPANS);
    put_varint(&mut body, resource_spans as u64);
    body.push(SCOPE_SPANS);
    put_varint(&mut body, scope_spans as u64);
    put_bytes(&mut body, INSTRUMENTATION_SCOPE, &scope);
    for block in blocks {
        body.extend_from_slice(block.body());
    }
    body
}

/// Returns the length of a field with a content of this length, in bytes.
fn length_of_field(content: usize) -> usize {
    1 + varint_len(content) + content
}
