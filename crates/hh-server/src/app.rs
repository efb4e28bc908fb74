//! The state that all requests share.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use hh_auth::Pepper;

use crate::auth::{FailureLimiter, KeyCache};
use crate::clock::Clock;
use crate::domain::retention::Retention;
use crate::http::budget::Budget;
use crate::http::cors::AllowedOrigins;
use crate::http::workers::Workers;
use crate::store::Store;

/// The state of a running server.
pub(crate) struct App {
    pub(crate) store: Store,
    pub(crate) keys: Arc<KeyCache>,
    pub(crate) failures: FailureLimiter,
    pub(crate) clock: Arc<Clock>,
    pub(crate) pepper: Pepper,
    /// The maximum number of rotations of one key family per hour, which can change while the server runs.
    pub(crate) max_rotations: AtomicU32,
    /// How long events are kept, which can change while the server runs.
    pub(crate) retention: RwLock<Retention>,
    /// The budget for the memory of request bodies.
    pub(crate) in_flight: Budget,
    /// The budget for the memory of responses that are being rendered or that their clients have not read yet.
    pub(crate) responses: Budget,
    /// Threads that decode large bodies and render large responses.
    pub(crate) large_work: Workers,
    /// Threads that decompress bodies. They are separate, so that small compressed bodies do not wait for large
    /// bodies and responses.
    pub(crate) inflation: Workers,
    pub(crate) request_ids: RequestIds,
    /// Whether successful requests are logged too.
    pub(crate) has_access_log: bool,
    /// Whether API keys are removed from spans.
    pub(crate) redact_keys: bool,
    /// The origins of web pages that may use the server.
    pub(crate) cors_origins: AllowedOrigins,
}

impl App {
    pub(crate) fn retention(&self) -> Retention {
        self.retention
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(crate) fn set_retention(&self, retention: Retention) {
        *self
            .retention
            .write()
            .unwrap_or_else(PoisonError::into_inner) = retention;
    }
}

/// Creates request ids from a counter and a random number that is chosen at startup, so that no request needs system
/// randomness.
pub(crate) struct RequestIds {
    boot: u32,
    next: AtomicU64,
}

impl RequestIds {
    /// Creates a counter of ids that begin with `boot`, a random number.
    pub(crate) fn new(boot: u32) -> Self {
        Self {
            boot,
            next: AtomicU64::new(1),
        }
    }

    /// Returns the next id.
    pub(crate) fn next(&self) -> String {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        format!("{:08x}-{number}", self.boot)
    }
}
