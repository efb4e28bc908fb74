//! What the sessions and spans of a tracer share.

use super::queue::Queue;
use super::redact::Redactor;

/// What sessions and spans hold of their tracer.
pub(crate) struct Shared {
    pub(crate) project: Option<String>,
    pub(crate) source: String,
    /// Attributes that all spans have, encoded.
    pub(super) attributes: Vec<u8>,
    pub(super) redactor: Redactor,
    pub(crate) queue: Queue,
}
