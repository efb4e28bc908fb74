//! The real HTTP service: reqwest over rustls with ring, HTTP/1.1 only.
//!
//! All automatic behavior of reqwest is disabled: its retries (they would bypass the policy), redirects (they would
//! send headers elsewhere), its timeouts except that of the connector, and proxies from the environment.

mod error;
mod framing;
mod options;
mod send_timer;
mod url_cache;

use std::future::{poll_fn, ready};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use ::reqwest::{Client, Proxy, redirect, retry};
use bytes::Bytes;
use http::Method;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use tokio::time::{Instant, Sleep, sleep_until};

pub use options::ReqwestOptions;

use crate::body::BodyCollector;
use crate::error::{TimeoutStage, TransportError};
use crate::proxy::Rules;
use crate::service::{BoxFuture, HttpService, Request, Response, ResponseCap};
use crate::tls;
use error::{Route, explain};
use send_timer::SendTimer;
use url_cache::UrlCache;

/// The maximum idle time of a pooled connection, below the 10 s after which the server closes it: a request that is
/// sent at that moment would be lost, and an unsafe request could not be retried.
const POOL_IDLE: Duration = Duration::from_secs(8);

/// The time limit for the body of an error response.
const REFUSAL: Duration = Duration::from_secs(1);

/// The slowest upload for which the timeout leaves enough time, in bytes per second.
const SLOWEST_BYTES_A_SECOND: u64 = 8 * 1024;

/// A service that sends requests with reqwest, over HTTP/1.1 and rustls. Clones share the connections.
///
/// It uses no proxy from the environment, follows no redirects and does not retry. The [crate documentation](crate) has
/// an example.
#[derive(Clone, Debug)]
pub struct ReqwestService {
    client: Client,
    options: ReqwestOptions,
    proxy: Option<Arc<Rules>>,
    origin: Arc<UrlCache>,
}

impl ReqwestService {
    /// Creates a service. This opens no connection and needs no tokio runtime.
    ///
    /// # Errors
    ///
    /// Returns [`Tls`](crate::TransportErrorKind::Tls) if a file of trusted certificates contains no usable
    /// certificate, and [`Other`](crate::TransportErrorKind::Other) if the client cannot be set up.
    pub fn new(options: &ReqwestOptions) -> Result<Self, TransportError> {
        Self::build(options, None)
    }

    /// Creates a service that connects to these addresses of a host, and resolves all other hosts.
    pub(crate) fn with_addresses(
        options: &ReqwestOptions,
        host: &str,
        addresses: &[SocketAddr],
    ) -> Result<Self, TransportError> {
        Self::build(options, Some((host, addresses)))
    }

    fn build(
        options: &ReqwestOptions,
        addresses: Option<(&str, &[SocketAddr])>,
    ) -> Result<Self, TransportError> {
        let tls = tls::config(&options.trust)?;
        let proxy = options
            .proxy
            .as_ref()
            .map(|proxy| Arc::new(Rules::new(proxy)));
        let mut client = Client::builder()
            .tls_backend_preconfigured(tls)
            .http1_only()
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            .no_proxy()
            .referer(false)
            .connect_timeout(options.connect_timeout)
            // `localhost` is resolved without a name server. Port 0 stands for the port of the request.
            .resolve_to_addrs(
                "localhost",
                &[
                    (Ipv4Addr::LOCALHOST, 0).into(),
                    (Ipv6Addr::LOCALHOST, 0).into(),
                ],
            )
            .pool_idle_timeout(POOL_IDLE);
        if let Some((host, addresses)) = addresses {
            client = client.resolve_to_addrs(host, addresses);
        }
        if let Some(rules) = &proxy {
            let rules = Arc::clone(rules);
            client = client.proxy(Proxy::custom(move |url| rules.url_for(url)));
        }
        let client = client.build().map_err(|error| {
            TransportError::other("cannot set up the HTTP client", error.without_url())
        })?;
        Ok(Self {
            client,
            options: options.clone(),
            proxy,
            origin: Arc::default(),
        })
    }

    /// Receives the response to `execute`, which was not polled yet.
    async fn receive(
        &self,
        execute: impl Future<Output = ::reqwest::Result<::reqwest::Response>>,
        sending: SendTimer,
        route: Route<'_>,
        within: Duration,
        cap: usize,
    ) -> Result<Response, TransportError> {
        // One timer for all stages: resetting it is cheaper than creating another.
        let start = Instant::now();
        let mut timer = pin!(sleep_until(start + within));
        let mut answer = head(execute, &sending, timer.as_mut(), start, within, &route).await?;
        let body = self.body(&mut answer, timer, cap, &route).await;
        let body = match body {
            Ok(body) => body,
            // The status of an error response is sufficient; its body may be missing.
            Err(_) if !answer.status().is_success() => Bytes::new(),
            Err(error) => return Err(error),
        };
        let mut response = Response::new(body);
        *response.status_mut() = answer.status();
        *response.headers_mut() = std::mem::take(answer.headers_mut());
        // The body is returned decompressed.
        if response.headers_mut().remove(CONTENT_ENCODING).is_some() {
            response.headers_mut().remove(CONTENT_LENGTH);
        }
        Ok(response)
    }

    async fn body(
        &self,
        answer: &mut ::reqwest::Response,
        mut timer: Pin<&mut Sleep>,
        cap: usize,
        route: &Route<'_>,
    ) -> Result<Bytes, TransportError> {
        let unusable = |why| TransportError::invalid_response(route.host(), why);
        let is_gzip = framing::is_gzip(answer.headers()).map_err(unusable)?;
        // Without a length, the end of the connection ends the body, and a lost connection looks the same.
        if !route.is_head && !framing::has_end(answer.status(), answer.headers()) {
            let why = "has no length and may be truncated";
            return Err(unusable(why));
        }
        let mut body = BodyCollector::new(cap, is_gzip);
        let mut time = self.options.idle_read_timeout;
        // The whole body of an error response has one short timeout, because the status is known.
        let is_refusal = !answer.status().is_success();
        if is_refusal {
            time = time.min(REFUSAL);
            timer.as_mut().reset(Instant::now() + time);
        }
        let idle = (!is_refusal).then_some(time);
        let mut is_empty = true;
        loop {
            let chunk = chunk(answer, timer.as_mut(), idle).await;
            let chunk = chunk.ok_or_else(|| {
                TransportError::timeout(route.host(), TimeoutStage::IdleRead, time)
            })?;
            let Some(chunk) = chunk.map_err(|error| explain(error, route))? else {
                break;
            };
            is_empty &= chunk.is_empty();
            body.push(chunk)
                .map_err(|error| unusable(error.describe()))?;
        }
        // An empty body is not compressed, regardless of the header.
        if is_empty {
            return Ok(Bytes::new());
        }
        body.finish().map_err(|error| unusable(error.describe()))
    }
}

/// Waits for the head of the response. Its timeout starts when the request is sent.
async fn head(
    execute: impl Future<Output = ::reqwest::Result<::reqwest::Response>>,
    sending: &SendTimer,
    mut timer: Pin<&mut Sleep>,
    start: Instant,
    within: Duration,
    route: &Route<'_>,
) -> Result<::reqwest::Response, TransportError> {
    let mut execute = pin!(execute);
    // The connector has its own timeout, but it is not used while this call waits for a connection of another call.
    let connected = start + route.connect_timeout;
    loop {
        let answer = poll_fn(|context| match execute.as_mut().poll(context) {
            Poll::Ready(answer) => Poll::Ready(Some(answer)),
            Poll::Pending => timer.as_mut().poll(context).map(|()| None),
        });
        if let Some(answer) = answer.await {
            return answer.map_err(|error| explain(error, route));
        }
        let due = sending.since().unwrap_or(connected) + within;
        let now = Instant::now();
        if due <= now {
            let stage = TimeoutStage::FirstByte;
            return Err(TransportError::timeout(route.host(), stage, within));
        }
        // A request that is sent from now on times out at `now + within` at the earliest.
        timer.as_mut().reset(due.min(now + within));
    }
}

/// Waits for the next chunk until `timer` expires, which restarts with `idle`; returns `None` if the timer expires
/// first.
async fn chunk(
    answer: &mut ::reqwest::Response,
    mut timer: Pin<&mut Sleep>,
    mut idle: Option<Duration>,
) -> Option<::reqwest::Result<Option<Bytes>>> {
    let mut chunk = pin!(answer.chunk());
    poll_fn(|context| {
        if let Poll::Ready(chunk) = chunk.as_mut().poll(context) {
            return Poll::Ready(Some(chunk));
        }
        // The timer is reset only here, because the chunk is usually available already.
        if let Some(idle) = idle.take() {
            timer.as_mut().reset(Instant::now() + idle);
        }
        timer.as_mut().poll(context).map(|()| None)
    })
    .await
}

impl HttpService for ReqwestService {
    fn call(&self, request: Request) -> BoxFuture<'_, Result<Response, TransportError>> {
        let rules = self.proxy.as_ref();
        let route = Route {
            authority: request.uri().authority().cloned(),
            proxy: rules.and_then(|rules| rules.redacted_for(request.uri())),
            connect_timeout: self.options.connect_timeout,
            is_head: *request.method() == Method::HEAD,
        };
        let cap = request.extensions().get::<ResponseCap>();
        let cap = cap.map_or(self.options.max_response_bytes, |cap| cap.0);
        let length = u64::try_from(request.body().len()).unwrap_or(u64::MAX);
        let travel = Duration::from_secs(length / SLOWEST_BYTES_A_SECOND);
        let within = self.options.first_byte_timeout.saturating_add(travel);
        let sending = SendTimer::default();
        let Some(request) = self.origin.request(request, &sending) else {
            let why = "the URL is not valid";
            return Box::pin(ready(Err(TransportError::invalid_request(why))));
        };
        // Everything above runs outside of the future, which therefore stays below 1 KiB, an efficient size for malloc.
        Box::pin(self.receive(self.client.execute(request), sending, route, within, cap))
    }
}
