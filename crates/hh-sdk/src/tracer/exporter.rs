//! Defines the exporters, which send telemetry to a server, store it in memory or discard it.

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
use super::last_failure::LastFailure;

/// A destination of telemetry, which receives blocks in order.
pub(super) trait Exporter: Send {
    /// Returns how the tracer delivers blocks to this exporter.
    fn delivery(&self) -> Delivery {
        Delivery::Background
    }

    /// Returns the last failed attempt, which the exporter updates during an export.
    fn last_failure(&self) -> LastFailure {
        LastFailure::default()
    }

    /// Exports blocks that one request can contain: one start or change of a session, or any number of spans.
    fn export<'a>(&'a mut self, blocks: &'a [Block]) -> BoxFuture<'a, Outcome>;
}

/// The ways to deliver telemetry to an exporter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Delivery {
    /// Blocks wait in the queue, and the export thread exports them.
    Background,
    /// The thread that records the telemetry exports it immediately. The exporter must not block.
    Immediate,
    /// The exporter receives nothing, because the tracer records nothing.
    Never,
}

/// The result of an export.
#[derive(Debug)]
pub(super) enum Outcome {
    /// All telemetry arrived.
    Delivered,
    /// The server rejected `count` spans, which are lost. All other telemetry arrived.
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
    /// The time to wait before a retry, if the server requests one.
    pub(super) retry_after: Option<Duration>,
}
