//! The state that the sessions and spans of a tracer share.

use super::queue::Queue;
use super::redact::Redactor;

/// The state that a tracer shares with its sessions and spans.
pub(crate) struct Shared {
    pub(crate) project: Option<String>,
    pub(crate) source: String,
    /// The encoded attributes that all spans have.
    pub(super) attributes: Vec<u8>,
    pub(super) redactor: Redactor,
    pub(crate) queue: Queue,
}
