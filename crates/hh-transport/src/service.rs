//! The seam between the retry loop and whatever moves the bytes.
//!
//! Everything above speaks [`http`] types, so that a test or another HTTP stack can stand in for reqwest.

use std::fmt::Debug;
use std::pin::Pin;

use bytes::Bytes;

use crate::error::TransportError;

/// A request with its whole body; cloning it for another attempt shares the bytes.
pub type Request = http::Request<Bytes>;

/// An answer whose body has been read to its end.
pub type Response = http::Response<Bytes>;

/// A boxed future that may move between threads.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// How many bytes the body of an answer may have, after decompression: an extension of a [`Request`] that wants another
/// limit than the service's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ResponseCap(pub usize);

/// Sends one request once.
///
/// An implementation does not retry, does not follow redirects, and answers every status, an error status too, with
/// `Ok`: [`Transport`](crate::Transport) decides what a status means, and bounds the time of a call. The service bounds
/// the stages of an attempt and the size of a body; a request may ask for another [`ResponseCap`]. Requests say that they
/// accept gzip, and the service hands a body on unpacked.
pub trait HttpService: Debug + Send + Sync + 'static {
    /// Sends `request` and reads the answer whole.
    ///
    /// # Errors
    ///
    /// When no whole answer came. The error must say by [`TransportError::is_certainly_unsent`] whether a byte of the
    /// request may have left, since that decides whether it may be repeated.
    fn call(&self, request: Request) -> BoxFuture<'_, Result<Response, TransportError>>;
}
