//! Options of one request.

use std::time::Duration;

use crate::authorize::Authorizer;
use crate::idempotency::Idempotency;
use crate::service::ResponseCap;

/// The options of one call to [`Transport::send`](crate::Transport::send).
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
    /// Creates options without an authorizer. `repeat` states whether the request may be sent twice.
    pub const fn new(repeat: Idempotency) -> Self {
        Self {
            authorizer: None,
            repeat,
            timeout: None,
            gzip: false,
            cap: None,
        }
    }

    /// Sets the source of the `authorization` header. Without an authorizer, the header is not changed.
    pub const fn with_authorizer(mut self, authorizer: &'a dyn Authorizer) -> Self {
        self.authorizer = Some(authorizer);
        self
    }

    /// Sets the time limit of this call, including retries, instead of that of the transport. At the limit, the attempt
    /// in progress is canceled. A retry whose delay would exceed the limit is not started.
    pub const fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Compresses the request body with gzip. If the server responds with 415, the request is immediately sent again
    /// without compression. If the response is then not 415 again, later calls of the transport do not compress.
    pub const fn with_gzip(mut self) -> Self {
        self.gzip = true;
        self
    }

    /// Sets the size limit of the response body in bytes, after decompression. The default is the limit of the service.
    /// `ReqwestService` has a default of 4 MiB and a maximum of 64 MiB.
    pub const fn with_max_response_bytes(mut self, bytes: usize) -> Self {
        self.cap = Some(ResponseCap(bytes));
        self
    }
}
