//! The memory that waiting telemetry may use.

/// Bytes that are in use, and how many may be.
#[derive(Debug)]
pub(super) struct ByteBudget {
    limit: usize,
    used: usize,
}

impl ByteBudget {
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, used: 0 }
    }

    pub(super) fn limit(&self) -> usize {
        self.limit
    }

    pub(super) fn has_room_for(&self, bytes: usize) -> bool {
        self.used.saturating_add(bytes) <= self.limit
    }

    pub(super) fn take(&mut self, bytes: usize) {
        self.used = self.used.saturating_add(bytes);
    }

    pub(super) fn release(&mut self, bytes: usize) {
        self.used = self.used.saturating_sub(bytes);
    }
}
