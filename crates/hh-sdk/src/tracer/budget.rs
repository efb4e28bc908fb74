//! The memory limit of the queue.

/// A limit in bytes and the bytes in use.
#[derive(Debug)]
pub(super) struct ByteBudget {
    limit: usize,
    used: usize,
}

impl ByteBudget {
    /// Creates an unused budget with this limit, in bytes.
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, used: 0 }
    }

    /// Returns the limit, in bytes.
    pub(super) fn limit(&self) -> usize {
        self.limit
    }

    /// Returns whether this number of bytes is available.
    pub(super) fn has_room_for(&self, bytes: usize) -> bool {
        self.used.saturating_add(bytes) <= self.limit
    }

    /// Marks bytes as used.
    pub(super) fn take(&mut self, bytes: usize) {
        self.used = self.used.saturating_add(bytes);
    }

    /// Marks bytes as unused.
    pub(super) fn release(&mut self, bytes: usize) {
        self.used = self.used.saturating_sub(bytes);
    }
}
