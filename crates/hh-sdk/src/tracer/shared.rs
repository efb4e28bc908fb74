//! The state that the sessions and spans of a tracer share.

use super::open::{OpenItems, Place};
use super::queue::Queue;
use super::redact::Redactor;

/// The state that a tracer shares with its sessions and spans.
pub(crate) struct Shared {
    pub(crate) project: Option<String>,
    pub(crate) source: String,
    /// The encoded attributes that all spans have.
    pub(super) attributes: Vec<u8>,
    pub(super) redactor: Redactor,
    pub(super) open: OpenItems,
    pub(crate) queue: Queue,
}

impl Shared {
    /// Adds a session or a span that starts, if the tracer records.
    pub(super) fn add_open(&self, name: &str) -> Option<Place> {
        let is_recording = self.queue.is_recording();
        is_recording.then(|| self.open.add(&self.redactor.redact(name)))
    }
}
