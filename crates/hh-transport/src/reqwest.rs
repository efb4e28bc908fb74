//! The real service: reqwest over rustls with ring, HTTP/1.1 only.
//!
//! Everything reqwest would do on its own is off: its retries (they would hide attempts from the policy), redirects
//! (they would carry headers elsewhere), its timeouts but the connector's, and proxies that nobody named.

mod error;
mod framing;
mod options;
mod send_timer;
mod url_cache;

use std::future::{poll_fn, ready};
use std::net::{Ipv4Addr, Ipv6Addr};
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

/// Below the 10 s after which the server closes an idle connection: a request sent at that moment would be lost, and
/// an unsafe one could not be repeated.
const POOL_IDLE: Duration = Duration::from_secs(8);

/// So long the body of a refusal may take.
const REFUSAL: Duration = Duration::from_secs(1);

/// A body may travel as slowly as this without the server being too slow to answer.
const SLOWEST_BYTES_A_SECOND: u64 = 8 * 1024;

/// Sends requests with reqwest; clones share the connections.
#[derive(Clone, Debug)]
pub struct ReqwestService {
    client: Client,
    options: ReqwestOptions,
    proxy: Option<Arc<Rules>>,
    origin: Arc<UrlCache>,
}

impl ReqwestService {
    /// Makes a service. It needs no runtime yet, and opens no connection.
    ///
    /// # Errors
    ///
    /// [`Tls`](crate::TransportErrorKind::Tls) when a file of certificates holds none that can be used, and
    /// [`Other`](crate::TransportErrorKind::Other) when the client cannot be set up.
    pub fn new(options: &ReqwestOptions) -> Result<Self, TransportError> {
        let tls = tls::config(&options.trust).map_err(|why| TransportError::invalid_trust(&why))?;
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
            // This machine without asking anybody; port 0 stands for the one of the request.
            .resolve_to_addrs(
                "localhost",
                &[
                    (Ipv4Addr::LOCALHOST, 0).into(),
                    (Ipv6Addr::LOCALHOST, 0).into(),
                ],
            )
            .pool_idle_timeout(POOL_IDLE);
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

    /// Receives the answer to `execute`, which has not been polled yet.
    async fn receive(
        &self,
        execute: impl Future<Output = ::reqwest::Result<::reqwest::Response>>,
        sending: SendTimer,
        way: Route<'_>,
        within: Duration,
        cap: usize,
    ) -> Result<Response, TransportError> {
        // One timer for all stages: to move its end costs less than to set another.
        let start = Instant::now();
        let mut timer = pin!(sleep_until(start + within));
        let mut answer = head(execute, &sending, timer.as_mut(), start, within, &way).await?;
        let body = self.body(&mut answer, timer, cap, &way).await;
        let body = match body {
            Ok(body) => body,
            // The status of a refusal is the answer; what it says about it may be missing.
            Err(_) if !answer.status().is_success() => Bytes::new(),
            Err(error) => return Err(error),
        };
        let mut response = Response::new(body);
        *response.status_mut() = answer.status();
        *response.headers_mut() = std::mem::take(answer.headers_mut());
        // What is handed on is not packed any more.
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
        way: &Route<'_>,
    ) -> Result<Bytes, TransportError> {
        let unusable = |why| TransportError::invalid_response(way.host(), why);
        let is_gzip = framing::is_gzip(answer.headers()).map_err(unusable)?;
        // Without a length the end of the connection is the end of the body, and a broken one looks the same.
        if !way.is_head && !framing::has_end(answer.status(), answer.headers()) {
            let why = "does not say where it ends, so that it may be cut off";
            return Err(unusable(why));
        }
        let mut body = BodyCollector::new(cap, is_gzip);
        let mut time = self.options.idle_read_timeout;
        // What a refusal says is not waited for long, all of it: the status is there.
        let is_refusal = !answer.status().is_success();
        if is_refusal {
            time = time.min(REFUSAL);
            timer.as_mut().reset(Instant::now() + time);
        }
        let idle = (!is_refusal).then_some(time);
        let mut is_empty = true;
        loop {
            let chunk = chunk(answer, timer.as_mut(), idle).await;
            let chunk = chunk
                .ok_or_else(|| TransportError::timeout(way.host(), TimeoutStage::IdleRead, time))?;
            let Some(chunk) = chunk.map_err(|error| explain(error, way))? else {
                break;
            };
            is_empty &= chunk.is_empty();
            body.push(chunk)
                .map_err(|error| unusable(error.describe()))?;
        }
        // Nothing at all is not compressed, whatever the header says.
        if is_empty {
            return Ok(Bytes::new());
        }
        body.finish().map_err(|error| unusable(error.describe()))
    }
}

/// Waits for the head of the answer, whose time begins when the request is being sent.
async fn head(
    execute: impl Future<Output = ::reqwest::Result<::reqwest::Response>>,
    sending: &SendTimer,
    mut timer: Pin<&mut Sleep>,
    start: Instant,
    within: Duration,
    way: &Route<'_>,
) -> Result<::reqwest::Response, TransportError> {
    let mut execute = pin!(execute);
    // The connector has a time of its own; but it may never be asked, where another call's connection is waited for.
    let connected = start + way.connect_timeout;
    loop {
        let answer = poll_fn(|context| match execute.as_mut().poll(context) {
            Poll::Ready(answer) => Poll::Ready(Some(answer)),
            Poll::Pending => timer.as_mut().poll(context).map(|()| None),
        });
        if let Some(answer) = answer.await {
            return answer.map_err(|error| explain(error, way));
        }
        let due = sending.since().unwrap_or(connected) + within;
        let now = Instant::now();
        if due <= now {
            let stage = TimeoutStage::FirstByte;
            return Err(TransportError::timeout(way.host(), stage, within));
        }
        // It is looked again as soon as a request that is sent from now on could be over its time.
        timer.as_mut().reset(due.min(now + within));
    }
}

/// Waits for the next part of the body until `timer` is over, which begins anew with `idle`; `None` when that came first.
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
        // Only now, as mostly the part is there.
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
        let way = Route {
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
            let why = "the URI is not one that can be sent to";
            return Box::pin(ready(Err(TransportError::invalid_request(why))));
        };
        // All of the above outside of the future: it is as small as malloc likes best (1 KiB) without the request.
        Box::pin(self.receive(self.client.execute(request), sending, way, within, cap))
    }
}
