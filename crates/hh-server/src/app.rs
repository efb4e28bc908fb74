//! What every request shares.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use hh_auth::Pepper;

use crate::auth::{FailureLimiter, KeyCache};
use crate::clock::Clock;
use crate::http::budget::Budget;
use crate::http::workers::Workers;
use crate::store::Store;

/// The state of a running server.
pub(crate) struct App {
    pub(crate) store: Store,
    pub(crate) keys: Arc<KeyCache>,
    pub(crate) failures: FailureLimiter,
    pub(crate) clock: Arc<Clock>,
    pub(crate) pepper: Pepper,
    /// The rotations of one key family within an hour.
    pub(crate) max_rotations: u32,
    pub(crate) in_flight: Budget,
    /// Responses that are being built or were not yet read by their clients.
    pub(crate) responses: Budget,
    /// Decode large bodies and render large responses.
    pub(crate) large_work: Workers,
    /// Inflate bodies: apart from the rest, so that clients that compress small bodies do not wait for large work.
    pub(crate) inflation: Workers,
    pub(crate) request_ids: RequestIds,
    /// Whether requests that succeed are logged too.
    pub(crate) has_access_log: bool,
}

/// Request ids: a random number of this run and a counter, so that no request asks the system for randomness.
pub(crate) struct RequestIds {
    boot: u32,
    next: AtomicU64,
}

impl RequestIds {
    pub(crate) fn new(boot: u32) -> Self {
        Self {
            boot,
            next: AtomicU64::new(1),
        }
    }

    pub(crate) fn next(&self) -> String {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        format!("{:08x}-{number}", self.boot)
    }
}
