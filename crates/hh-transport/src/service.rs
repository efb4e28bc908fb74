//! The interface between the retry loop and the HTTP stack.
//!
//! It uses the types of [`http`], so that a test or another HTTP stack can replace reqwest.

use std::fmt::Debug;
use std::pin::Pin;

use bytes::Bytes;

use crate::error::TransportError;

/// A request with its whole body. A clone for another attempt shares the bytes.
pub type Request = http::Request<Bytes>;

/// A response with its whole body.
pub type Response = http::Response<Bytes>;

/// A boxed future that may move between threads.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The size limit of a response body in bytes, after decompression. As an extension of a [`Request`] it overrides the
/// limit of the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ResponseCap(pub usize);

/// A service that sends one request once.
///
/// An implementation does not retry or follow redirects, and returns `Ok` for every status, including error statuses:
/// [`Transport`](crate::Transport) interprets the status and limits the time of a call. The service limits the stages
/// of an attempt and the size of a body; a request may override the size with [`ResponseCap`]. Requests accept gzip,
/// and the service returns the body decompressed.
pub trait HttpService: Debug + Send + Sync + 'static {
    /// Sends `request` and reads the whole response.
    ///
    /// # Errors
    ///
    /// Returns an error if no complete response was received. [`TransportError::is_certainly_unsent`] must report
    /// whether a byte of the request may have been sent, because this decides whether the request may be retried.
    fn call(&self, request: Request) -> BoxFuture<'_, Result<Response, TransportError>>;
}
