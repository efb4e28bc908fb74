//! Where telemetry goes.

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

/// Receives blocks of telemetry, in order.
pub(super) trait Exporter: Send {
    /// Returns how blocks get here.
    fn delivery(&self) -> Delivery {
        Delivery::Background
    }

    /// Exports the blocks of one request: one change of a session, or spans.
    fn export<'a>(&'a mut self, blocks: &'a [Block]) -> BoxFuture<'a, Outcome>;
}

/// How telemetry gets to an exporter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Delivery {
    /// It waits in the queue for the export thread.
    Background,
    /// At once, on the thread that records it: an export never waits.
    Immediate,
    /// Not at all, so that nothing is recorded.
    Never,
}

/// What became of an export.
#[derive(Debug)]
pub(super) enum Outcome {
    /// It has arrived.
    Delivered,
    /// It has arrived, but for so many spans, which are lost.
    Refused { count: u64, reason: String },
    /// Nothing has arrived.
    Failed(ExportError),
}

/// Why nothing has arrived.
#[derive(Debug)]
pub(super) struct ExportError {
    /// Whether it is sent again.
    pub(super) failure: Failure,
    pub(super) message: String,
    /// How long the server asks to wait.
    pub(super) retry_after: Option<Duration>,
}
