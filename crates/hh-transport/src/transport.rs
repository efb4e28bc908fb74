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

/// A client that sends requests through a service. Clones are cheap and share the [retry budget](RetryPolicy) and the
/// rate limits.
///
/// Use one transport per server, because the rate limits of a server, and whether it accepts compressed bodies, apply
/// to all requests of a transport. The [crate documentation](crate) has an example.
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
    /// Sets the retry policy. The default is [`RetryPolicy::new`].
    pub fn with_retry(mut self, retry: RetryPolicy) -> Self {
        self.inner.retry = retry;
        self
    }

    /// Sets the time limit of a call, including retries, unless [`SendOptions::with_timeout`] sets another one. The
    /// default is 30 s. Waits that the server or a rate limit requires do not count.
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.inner.timeout = timeout;
        self
    }

    /// Sets a rate limit: a burst of `calls` requests, and then one request every `window / calls`. Retries count as
    /// requests, and 0 `calls` count as 1. The default is no limit.
    ///
    /// A request that exceeds the limit waits. The wait counts toward [`RetryPolicy::with_max_wait`], not toward the
    /// time limit of the call.
    pub fn with_rate_limit(mut self, calls: u32, window: Duration) -> Self {
        self.inner.limiter = Limiter::new(Some(Limit::new(calls, window)));
        self
    }

    /// Sets the `user-agent` header of requests that have none. The default is `honeyhive-rust/` followed by the
    /// version of this crate.
    pub fn with_user_agent(mut self, user_agent: HeaderValue) -> Self {
        self.inner.user_agent = user_agent;
        self
    }

    /// Allows plain HTTP to these hosts, in addition to loopback addresses. Anyone on the network between this machine
    /// and the host can then read the API key. Each host is an exact name or address in the form that it has in a URL,
    /// such as `server.corp`, `10.0.0.5` or `[fd00::1]`.
    pub fn with_insecure_http_hosts(mut self, hosts: Vec<String>) -> Self {
        self.inner.insecure_http_hosts = hosts;
        self
    }

    /// Sets a function that is called after each attempt and before each wait. It runs on the task of the call and must
    /// not block.
    pub fn with_observer(mut self, observer: Arc<dyn Fn(&Event) + Send + Sync>) -> Self {
        self.inner.observer = Some(Observer(observer));
        self
    }

    /// Sets the source of time and randomness. The default is [`SystemClock`].
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
    /// Returns a builder of a transport that sends requests through `service`.
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
                insecure_http_hosts: Vec::new(),
                user_agent: HeaderValue::from_static(concat!(
                    "honeyhive-rust/",
                    env!("CARGO_PKG_VERSION")
                )),
            },
        }
    }

    /// Sends `request`, retries as the [`RetryPolicy`] allows, and returns the response if its status is a success
    /// (2xx).
    ///
    /// It needs a tokio runtime with an enabled timer. It adds the headers `user-agent` and `accept-encoding: gzip` if
    /// the request does not have them.
    ///
    /// If the server rejects the key of an [`Authorizer`](crate::Authorizer) with 401, 403 or 404 and without a
    /// `Retry-After` header, the key is renewed once. If the authorizer then returns another key, the request is sent
    /// once more, regardless of its [`Idempotency`]. The status 404 is included, because HoneyHive hides a resource
    /// from a key without access to it.
    ///
    /// # Errors
    ///
    /// Before the service is called, returns [`Insecure`](crate::TransportErrorKind::Insecure) for plain HTTP to a host
    /// that is neither a loopback address nor [allowed](TransportBuilder::with_insecure_http_hosts), and [`InvalidRequest`](crate::TransportErrorKind::InvalidRequest) for a URI that
    /// is invalid, not absolute or contains credentials.
    ///
    /// Otherwise, returns an error of any [kind](crate::TransportErrorKind), with the records of all attempts. It is
    /// the error of the last attempt, or of the attempt before it if the time limit or a rate limit ended the last
    /// attempt.
    pub async fn send(
        &self,
        mut request: Request,
        options: SendOptions<'_>,
    ) -> Result<Response, TransportError> {
        let host = target::check(request.uri(), &self.inner.insecure_http_hosts)?.clone();
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
