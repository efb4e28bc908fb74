//! The exporter that discards telemetry.

use hh_transport::BoxFuture;

use super::{Block, Delivery, Exporter, Outcome};

/// An exporter that discards telemetry, for test mode and disabled tracing.
pub(crate) struct NullExporter;

impl Exporter for NullExporter {
    fn delivery(&self) -> Delivery {
        Delivery::Never
    }

    fn export<'a>(&'a mut self, _: &'a [Block]) -> BoxFuture<'a, Outcome> {
        Box::pin(std::future::ready(Outcome::Delivered))
    }
}
