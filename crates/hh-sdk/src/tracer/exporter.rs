//! The exporters, which are the destinations of telemetry.

mod http;
mod memory;
mod null;

use std::time::Duration;

use hh_transport::BoxFuture;

pub(super) use http::HttpExporter;
pub use memory::InMemoryExporter;
pub(super) use null::NullExporter;

use super::block::Block;
use super::failure::Failure;

/// A destination of telemetry, which receives blocks in order.
pub(super) trait Exporter: Send {
    /// Returns how the tracer delivers blocks to this exporter.
    fn delivery(&self) -> Delivery {
        Delivery::Background
    }

    /// Exports the blocks of one request: one session change, or spans.
    fn export<'a>(&'a mut self, blocks: &'a [Block]) -> BoxFuture<'a, Outcome>;
}

/// The ways to deliver telemetry to an exporter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Delivery {
    /// Through the queue, on the export thread.
    Background,
    /// Immediately, on the thread that records the telemetry. The exporter must not block.
    Immediate,
    /// Not at all: the tracer records nothing.
    Never,
}

/// The result of an export.
#[derive(Debug)]
pub(super) enum Outcome {
    /// All telemetry arrived.
    Delivered,
    /// The telemetry arrived, except for `count` rejected spans, which are lost.
    Refused { count: u64, reason: String },
    /// No telemetry arrived.
    Failed(ExportError),
}

/// The error of an export.
#[derive(Debug)]
pub(super) struct ExportError {
    /// The class of the failure.
    pub(super) failure: Failure,
    /// The message, on one line.
    pub(super) message: String,
    /// The wait that the server requests.
    pub(super) retry_after: Option<Duration>,
}
