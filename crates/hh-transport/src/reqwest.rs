//! The real service: reqwest over rustls with ring, HTTP/1.1 only.
//!
//! Everything reqwest would do on its own is off: its retries (they would hide attempts from the policy), redirects
//! (they would carry headers elsewhere), its timeouts but the connector's, and proxies that nobody named.

mod broken;
mod framing;
mod options;
mod stage;

use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

use ::reqwest::{Client, Proxy, redirect, retry};
use bytes::Bytes;
use http::header::ACCEPT_ENCODING;
use http::{HeaderMap, HeaderValue};
use tokio::time::{Instant, timeout, timeout_at};

pub use options::ReqwestOptions;

use crate::body::Body;
use crate::error::{TimeoutStage, TransportError};
use crate::proxy::Rules;
use crate::service::{BoxFuture, HttpService, Request, Response, ResponseCap};
use crate::tls;
use broken::{Way, explain};
use stage::{Stage, StageLayer};

/// Below the 10 s after which the server closes an idle connection: a request sent at that moment would be lost, and
/// an unsafe one could not be repeated.
const POOL_IDLE: Duration = Duration::from_secs(8);

/// A body may travel as slowly as this without the server being too slow to answer.
const SLOWEST_BYTES_A_SECOND: u64 = 8 * 1024;

/// Sends requests with reqwest; clones share the connections.
#[derive(Clone, Debug)]
pub struct ReqwestService {
    client: Client,
    options: ReqwestOptions,
    proxy: Option<Arc<Rules>>,
}

impl ReqwestService {
    /// Makes a service. It needs no runtime yet, and opens no connection.
    ///
    /// # Errors
    ///
    /// [`Tls`](crate::TransportErrorKind::Tls) when a file of certificates holds none that can be used, and
    /// [`Other`](crate::TransportErrorKind::Other) when the client cannot be set up.
    pub fn new(options: &ReqwestOptions) -> Result<Self, TransportError> {
        let tls = tls::config(&options.trust).map_err(|why| TransportError::bad_trust(&why))?;
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
            .connector_layer(StageLayer)
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
        })
    }

    async fn send(&self, mut request: Request) -> Result<Response, TransportError> {
        // A caller that has no transport in between may name a user: that part is not for messages.
        let authority = request
            .uri()
            .authority()
            .map_or("", |authority| authority.as_str());
        let host = authority.rsplit('@').next().unwrap_or_default().to_owned();
        let rules = self.proxy.as_ref();
        let way = Way {
            host: &host,
            proxy: rules.and_then(|rules| rules.shown_for(request.uri())),
            connect_timeout: self.options.connect_timeout,
        };
        let cap = request.extensions().get::<ResponseCap>();
        let cap = cap.map_or(self.options.max_response_bytes, |cap| cap.0);
        let length = u64::try_from(request.body().len()).unwrap_or(u64::MAX);
        let travel = Duration::from_secs(length / SLOWEST_BYTES_A_SECOND);
        let within = self.options.first_byte_timeout.saturating_add(travel);
        request
            .headers_mut()
            .entry(ACCEPT_ENCODING)
            .or_insert(HeaderValue::from_static("gzip"));
        let request = ::reqwest::Request::try_from(request).map_err(|_| {
            TransportError::invalid_request("the URI is not one that can be sent to")
        })?;
        let mut answer = self.head(request, within, &way).await?;
        let mut response = Response::default();
        *response.status_mut() = answer.status();
        *response.headers_mut() = std::mem::take(answer.headers_mut());
        let idle = self.options.idle_read_timeout;
        let body = self.body(&mut answer, response.headers(), cap, &way);
        if response.status().is_success() {
            let body = body.await?;
            *response.body_mut() = body;
        } else if let Ok(Ok(body)) = timeout(idle, body).await {
            // The status of a refusal is the answer; what it says about it may be missing, and is not waited for long.
            *response.body_mut() = body;
        }
        Ok(response)
    }

    async fn head(
        &self,
        request: ::reqwest::Request,
        within: Duration,
        way: &Way<'_>,
    ) -> Result<::reqwest::Response, TransportError> {
        let (stage, execute) =
            Stage::scope(self.client.execute(request), self.options.connect_timeout);
        let mut execute = std::pin::pin!(execute);
        loop {
            let answer = timeout_at(stage.answer_due(within), execute.as_mut()).await;
            if let Ok(answer) = answer {
                return answer.map_err(|error| explain(error, way));
            }
            // It may have connected meanwhile, and then has its time from there.
            if stage.answer_due(within) <= Instant::now() {
                let stage = TimeoutStage::FirstByte;
                return Err(TransportError::timeout(way.host, stage, within));
            }
        }
    }

    async fn body(
        &self,
        answer: &mut ::reqwest::Response,
        headers: &HeaderMap,
        cap: usize,
        way: &Way<'_>,
    ) -> Result<Bytes, TransportError> {
        let unusable = |why| TransportError::invalid_response(way.host, why);
        let is_gzip = framing::is_gzip(headers).map_err(unusable)?;
        // Without a length the end of the connection is the end of the body, and a broken one looks the same.
        if !framing::has_end(answer.status(), headers) {
            let why = "does not say where it ends, so that it may be cut off";
            return Err(unusable(why));
        }
        let mut body = Body::new(cap, is_gzip);
        let idle = self.options.idle_read_timeout;
        let mut is_empty = true;
        loop {
            let chunk = timeout(idle, answer.chunk())
                .await
                .map_err(|_| TransportError::timeout(way.host, TimeoutStage::IdleRead, idle))?;
            let Some(chunk) = chunk.map_err(|error| explain(error, way))? else {
                break;
            };
            is_empty &= chunk.is_empty();
            body.push(&chunk).map_err(|error| unusable(error.what()))?;
        }
        // Nothing at all is not compressed, whatever the header says.
        if is_empty {
            return Ok(Bytes::new());
        }
        body.finish().map_err(|error| unusable(error.what()))
    }
}

impl HttpService for ReqwestService {
    fn call(&self, request: Request) -> BoxFuture<'_, Result<Response, TransportError>> {
        Box::pin(self.send(request))
    }
}
