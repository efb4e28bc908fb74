//! The client: checks the destination of a request, adds headers and sends it through a service.

mod options;
mod shared;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use http::header::{ACCEPT_ENCODING, USER_AGENT};
use http::{HeaderName, HeaderValue};

use crate::attempt::Event;
use crate::clock::{Clock, SystemClock};
use crate::error::TransportError;
use crate::exchange::Exchange;
use crate::idempotency::Idempotency;
use crate::limiter::{Limit, Limiter};
use crate::retry::RetryPolicy;
use crate::retry::budget::Budget;
use crate::service::{HttpService, Request, Response};
use crate::target;

pub use options::SendOptions;
use shared::Observer;
pub(crate) use shared::Shared;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// A client that sends requests through a service. Clones are cheap and share the retry budget and the rate limits.
///
/// A transport is for one server: its rate limits and its support of compressed bodies apply to all requests.
#[derive(Clone, Debug)]
pub struct Transport {
    inner: Arc<Shared>,
}

/// A builder of a [`Transport`].
#[derive(Debug)]
#[must_use]
pub struct TransportBuilder {
    inner: Shared,
}

impl TransportBuilder {
    /// Sets the retry policy.
    pub fn with_retry(mut self, retry: RetryPolicy) -> Self {
        self.inner.retry = retry;
        self
    }

    /// Sets the timeout of a call, including retries, for calls without a timeout of their own. The default is 30 s.
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.inner.timeout = timeout;
        self
    }

    /// Sets a rate limit: a burst of `calls` requests, at least 1, and then the same number per `window`. The default
    /// is no limit. Retries count as requests. Waiting for a slot counts as a required wait.
    pub fn with_rate_limit(mut self, calls: u32, window: Duration) -> Self {
        self.inner.limiter = Limiter::new(Some(Limit::new(calls, window)));
        self
    }

    /// Sets the `user-agent` of requests without one. The default is `honeyhive-rust/` and the version of this crate.
    pub fn with_user_agent(mut self, user_agent: HeaderValue) -> Self {
        self.inner.user_agent = user_agent;
        self
    }

    /// Sets a function that is called after each attempt and before each wait, on the sending task. It must be fast.
    pub fn with_observer(mut self, observer: Arc<dyn Fn(&Event) + Send + Sync>) -> Self {
        self.inner.observer = Some(Observer(observer));
        self
    }

    /// Uses the time and the randomness of `clock` instead of those of the system.
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.inner.clock = clock;
        self
    }

    /// Creates the transport, with a full retry budget.
    pub fn build(self) -> Transport {
        Transport {
            inner: Arc::new(self.inner),
        }
    }
}

impl Transport {
    /// Returns a builder of a transport over `service`.
    pub fn builder(service: Arc<dyn HttpService>) -> TransportBuilder {
        TransportBuilder {
            inner: Shared {
                service,
                clock: Arc::new(SystemClock),
                retry: RetryPolicy::new(),
                timeout: Duration::from_secs(30),
                observer: None,
                budget: Budget::new(),
                limiter: Limiter::new(None),
                plain_only: AtomicBool::new(false),
                user_agent: HeaderValue::from_static(concat!(
                    "honeyhive-rust/",
                    env!("CARGO_PKG_VERSION")
                )),
            },
        }
    }

    /// Sends `request` until a result is final, and returns the response if its status is a success (2xx).
    ///
    /// It needs a tokio runtime with an enabled timer. A key that the server rejects (401, 403, or 404 with a key) is
    /// renewed once, and if that returns another key, the request is sent once more regardless of its [`Idempotency`].
    ///
    /// # Errors
    ///
    /// Returns [`Insecure`](crate::TransportErrorKind::Insecure) for plain HTTP to another machine and
    /// [`InvalidRequest`](crate::TransportErrorKind::InvalidRequest) for a URI that is not absolute or contains
    /// credentials, both before the service is called. Otherwise returns the error of the last attempt, of any
    /// [kind](crate::TransportErrorKind), with all attempts.
    pub async fn send(
        &self,
        mut request: Request,
        options: SendOptions<'_>,
    ) -> Result<Response, TransportError> {
        let host = target::check(request.uri())?.clone();
        let headers = request.headers_mut();
        headers
            .entry(USER_AGENT)
            .or_insert_with(|| self.inner.user_agent.clone());
        // Added here, because the service would have to grow the headers of a copy.
        headers
            .entry(ACCEPT_ENCODING)
            .or_insert(HeaderValue::from_static("gzip"));
        if let Idempotency::Keyed(key) = &options.repeat {
            request.headers_mut().insert(IDEMPOTENCY_KEY, key.header());
        }
        if let Some(cap) = options.cap {
            request.extensions_mut().insert(cap);
        }
        Exchange::new(&self.inner, options, request, host)
            .run()
            .await
    }
}

#[cfg(test)]
mod tests;
