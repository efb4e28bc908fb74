//! The real service: reqwest over rustls with ring, HTTP/1.1 only.
//!
//! Everything reqwest would do on its own is off: its retries (they would hide attempts from the policy), redirects
//! (they would carry headers elsewhere) and proxies.

use std::error::Error;
use std::io;
use std::time::Duration;

use ::reqwest::{Client, redirect, retry};

use crate::body::{Capped, OverCap};
use crate::error::TransportError;
use crate::service::{BoxFuture, HttpService, Request, Response};
use crate::tls;

/// Below the 10 s after which the server closes an idle connection: a request sent at that moment would be lost, and
/// an unsafe one could not be repeated.
const POOL_IDLE: Duration = Duration::from_secs(8);

/// Settings of a [`ReqwestService`].
#[derive(Clone, Debug)]
#[must_use]
pub struct ReqwestOptions {
    connect_timeout: Duration,
    attempt_timeout: Duration,
    max_response_bytes: usize,
}

impl ReqwestOptions {
    /// Makes the default: 10 s to connect, 30 s for an attempt, 16 MiB for a response body.
    pub const fn new() -> Self {
        Self {
            connect_timeout: Duration::from_secs(10),
            attempt_timeout: Duration::from_secs(30),
            max_response_bytes: 16 * 1024 * 1024,
        }
    }

    /// Sets the time to set up a connection, TLS included.
    pub const fn with_connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Sets the time of one attempt, from the start to the last byte of the answer.
    pub const fn with_attempt_timeout(mut self, timeout: Duration) -> Self {
        self.attempt_timeout = timeout;
        self
    }

    /// Sets how many bytes a response body may have; more than 64 MiB count as 64 MiB.
    pub const fn with_max_response_bytes(mut self, bytes: usize) -> Self {
        self.max_response_bytes = bytes;
        self
    }
}

impl Default for ReqwestOptions {
    fn default() -> Self {
        Self::new()
    }
}

/// Sends requests with reqwest; clones share the connections.
#[derive(Clone, Debug)]
pub struct ReqwestService {
    client: Client,
    max_response_bytes: usize,
}

impl ReqwestService {
    /// Makes a service. It needs no runtime yet, and opens no connection.
    ///
    /// # Errors
    ///
    /// [`Other`](crate::TransportErrorKind::Other) when TLS cannot be set up.
    pub fn new(options: &ReqwestOptions) -> Result<Self, TransportError> {
        let tls =
            tls::config().map_err(|error| TransportError::other("cannot set up TLS", error))?;
        let client = Client::builder()
            .tls_backend_preconfigured(tls)
            .http1_only()
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            .no_proxy()
            .referer(false)
            .connect_timeout(options.connect_timeout)
            .timeout(options.attempt_timeout)
            .pool_idle_timeout(POOL_IDLE)
            .build()
            .map_err(|error| {
                TransportError::other("cannot set up the HTTP client", error.without_url())
            })?;
        Ok(Self {
            client,
            max_response_bytes: options.max_response_bytes,
        })
    }

    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        // A caller that has no transport in between may name a user: that part is not for messages.
        let authority = request
            .uri()
            .authority()
            .map_or("", |authority| authority.as_str());
        let host = authority.rsplit('@').next().unwrap_or_default().to_owned();
        let request = ::reqwest::Request::try_from(request).map_err(|_| {
            TransportError::invalid_request("the URI is not one that can be sent to")
        })?;
        let mut answer = self
            .client
            .execute(request)
            .await
            .map_err(|error| broken(error, &host))?;
        let mut response = Response::default();
        *response.status_mut() = answer.status();
        *response.headers_mut() = std::mem::take(answer.headers_mut());
        match read(&mut answer, self.max_response_bytes, &host).await {
            Ok(body) => *response.body_mut() = body,
            Err(error) if answer.status().is_success() => return Err(error),
            // The status of a refusal is the answer; what it says about it may be missing.
            Err(_) => {}
        }
        Ok(response)
    }
}

impl HttpService for ReqwestService {
    fn call(&self, request: Request) -> BoxFuture<'_, Result<Response, TransportError>> {
        Box::pin(self.send(request))
    }
}

async fn read(
    answer: &mut ::reqwest::Response,
    cap: usize,
    host: &str,
) -> Result<bytes::Bytes, TransportError> {
    let mut body = Capped::new(cap);
    while let Some(chunk) = answer.chunk().await.map_err(|error| broken(error, host))? {
        body.push(&chunk)
            .map_err(|OverCap| TransportError::invalid_response(host, "is larger than allowed"))?;
    }
    Ok(body.finish())
}

/// Says what a reqwest error means. What is not certain counts as sent.
fn broken(error: ::reqwest::Error, host: &str) -> TransportError {
    // Its text would show the whole URL.
    let error = error.without_url();
    if error.is_builder() {
        return TransportError::invalid_request("the request cannot be sent as it is");
    }
    if find::<rustls::Error>(&error).is_some() && error.is_connect() {
        return TransportError::tls(host, error);
    }
    match (error.is_connect(), error.is_timeout()) {
        (true, true) => TransportError::connect_timeout(host),
        (true, false) if error.is_dns() => {
            TransportError::unreachable(host, "the name does not resolve")
        }
        (true, false) => match find::<io::Error>(&error) {
            Some(cause) => TransportError::unreachable(host, cause.kind()),
            None => TransportError::unreachable(host, "the connection broke"),
        },
        (false, true) => TransportError::timeout(host),
        (false, false) if is_malformed(&error) => {
            TransportError::invalid_response(host, "is not valid HTTP")
        }
        (false, false) => TransportError::interrupted(host),
    }
}

fn is_malformed(error: &::reqwest::Error) -> bool {
    // A damaged TLS record is the connection's fault, not the server's.
    if find::<rustls::Error>(error).is_some() {
        return false;
    }
    let bad_head = find::<hyper::Error>(error).is_some_and(hyper::Error::is_parse);
    // hyper reports a bad chunk of a body as one of these.
    let bad_chunk = |cause: &io::Error| {
        matches!(
            cause.kind(),
            io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData
        )
    };
    bad_head || find::<io::Error>(error).is_some_and(bad_chunk)
}

/// Finds the innermost error of a type in the chain of sources; an I/O error may wrap another error without naming
/// it as its source.
fn find<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    let mut found = None;
    let mut next = Some(error);
    while let Some(error) = next {
        found = error.downcast_ref::<E>().or(found);
        let wrapped = error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref);
        next = match wrapped {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    found
}
