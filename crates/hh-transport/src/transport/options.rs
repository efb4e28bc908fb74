//! Options of one request.

use std::time::Duration;

use crate::authorize::Authorizer;
use crate::idempotency::Idempotency;
use crate::service::ResponseCap;

/// Options of one request.
#[derive(Clone)]
#[must_use]
pub struct SendOptions<'a> {
    pub(crate) authorizer: Option<&'a dyn Authorizer>,
    pub(crate) repeat: Idempotency,
    pub(crate) timeout: Option<Duration>,
    pub(crate) gzip: bool,
    pub(super) cap: Option<ResponseCap>,
}

impl<'a> SendOptions<'a> {
    /// Creates options without an authorizer; `repeat` states the effect of sending the request twice.
    pub const fn new(repeat: Idempotency) -> Self {
        Self {
            authorizer: None,
            repeat,
            timeout: None,
            gzip: false,
            cap: None,
        }
    }

    /// Sets the source of the `authorization` header; without one the request is sent as it is.
    pub const fn with_authorizer(mut self, authorizer: &'a dyn Authorizer) -> Self {
        self.authorizer = Some(authorizer);
        self
    }

    /// Sets the timeout of the call, retries included, instead of the transport's timeout. The attempt in progress is
    /// canceled at that time, and no delay is started that would exceed it.
    pub const fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Compresses the body with gzip. If the server responds with 415, this call retries immediately without
    /// compression, and later calls do not compress.
    pub const fn with_gzip(mut self) -> Self {
        self.gzip = true;
        self
    }

    /// Sets the size limit of the response body in bytes, 4 MiB by default and 64 MiB at most.
    pub const fn with_max_response_bytes(mut self, bytes: usize) -> Self {
        self.cap = Some(ResponseCap(bytes));
        self
    }
}
