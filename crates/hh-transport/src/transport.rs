//! The client: checks where a request goes, gives it its headers, and sends it through a service.

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

/// Sends requests through a service; clones are cheap and share its budget of retries and its limits.
///
/// It is made for one server: what that says of its limits, or of compressed bodies, holds for all requests.
#[derive(Clone, Debug)]
pub struct Transport {
    inner: Arc<Shared>,
}

/// Makes a [`Transport`].
#[derive(Debug)]
#[must_use]
pub struct TransportBuilder {
    inner: Shared,
}

impl TransportBuilder {
    /// Sets when requests are sent again.
    pub fn with_retry(mut self, retry: RetryPolicy) -> Self {
        self.inner.retry = retry;
        self
    }

    /// Sets how long a call may take, repetitions included, unless it has a time of its own; 30 s by default.
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.inner.timeout = timeout;
        self
    }

    /// Allows a burst of `calls` requests, at least 1, and then as many in each `window`; no limit by default.
    /// Repetitions count too. Waiting for a place counts as a wait that was asked for.
    pub fn with_rate_limit(mut self, calls: u32, window: Duration) -> Self {
        self.inner.limiter = Limiter::new(Some(Limit::new(calls, window)));
        self
    }

    /// Sets the `user-agent` of requests that have none; by default `honeyhive-rust/` and the version of this crate.
    pub fn with_user_agent(mut self, user_agent: HeaderValue) -> Self {
        self.inner.user_agent = user_agent;
        self
    }

    /// Has `observer` called after each attempt and before each wait, on the task that sends: it should be quick.
    pub fn with_observer(mut self, observer: Arc<dyn Fn(&Event) + Send + Sync>) -> Self {
        self.inner.observer = Some(Observer(observer));
        self
    }

    /// Takes the time and chance from `clock` instead of the system.
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.inner.clock = clock;
        self
    }

    /// Makes the transport, with a full budget of retries.
    pub fn build(self) -> Transport {
        Transport {
            inner: Arc::new(self.inner),
        }
    }
}

impl Transport {
    /// Begins a transport over `service`.
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

    /// Sends `request` until an answer is final, and returns it if its status is a success (2xx).
    ///
    /// It needs a tokio runtime with its timer on. A key that the server rejects (401, 403, or 404 with a key) is
    /// renewed once, and the request sent once more if that gave another key, whatever its [`Idempotency`].
    ///
    /// # Errors
    ///
    /// [`Insecure`](crate::TransportErrorKind::Insecure) for plain http to another machine and
    /// [`InvalidRequest`](crate::TransportErrorKind::InvalidRequest) for a URI that is not absolute or names a user,
    /// both before the service is called; otherwise how the last attempt ended, of any
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
        // Here and not in the service, which would have to make room for it in a copy that has none.
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
