//! The interface between the retry loop and the HTTP stack.
//!
//! It uses the types of [`http`], so that a test or another HTTP stack can replace reqwest.

use std::fmt::Debug;
use std::pin::Pin;

use bytes::Bytes;

use crate::error::TransportError;

/// A request with its complete body. A clone for another attempt shares the bytes of the body.
pub type Request = http::Request<Bytes>;

/// A response with its complete body.
pub type Response = http::Response<Bytes>;

/// A boxed future that is `Send`.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The size limit of a response body in bytes, after decompression.
///
/// [`SendOptions::with_max_response_bytes`](crate::SendOptions::with_max_response_bytes) adds it to the
/// [extensions](http::Request::extensions) of the request, where it overrides the limit of the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ResponseCap(pub usize);

/// An HTTP client that sends each request once. Unlike a `tower::Service`, it has no readiness check and is used as a
/// trait object.
///
/// An implementation does not retry or follow redirects. It returns `Ok` for every status, including error statuses,
/// because the [`Transport`](crate::Transport) interprets the status. The transport limits the time of the whole call.
/// The service limits the time of each stage of an attempt, and the size of the response body unless the request has a
/// [`ResponseCap`]. Requests contain `accept-encoding: gzip`, so the service must decompress the body.
pub trait HttpService: Debug + Send + Sync + 'static {
    /// Sends `request` and reads the whole response.
    ///
    /// # Errors
    ///
    /// Returns an error if no complete response was received. Its kind is
    /// [`Unreachable`](crate::TransportErrorKind::Unreachable), [`Proxy`](crate::TransportErrorKind::Proxy),
    /// [`Tls`](crate::TransportErrorKind::Tls), [`Timeout`](crate::TransportErrorKind::Timeout),
    /// [`Interrupted`](crate::TransportErrorKind::Interrupted),
    /// [`InvalidResponse`](crate::TransportErrorKind::InvalidResponse) or, for a request that cannot be sent,
    /// [`InvalidRequest`](crate::TransportErrorKind::InvalidRequest).
    ///
    /// If a byte of the request may have been sent, [`TransportError::is_certainly_unsent`] must return false, because
    /// the transport may retry an unsent request regardless of its [`Idempotency`](crate::Idempotency).
    fn call(&self, request: Request) -> BoxFuture<'_, Result<Response, TransportError>>;
}
