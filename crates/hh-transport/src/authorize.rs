//! The `authorization` header of requests.
//!
//! The transport has no information about keys and their sources. It requests a header value before every attempt, so
//! that a renewed key is used immediately, and requests another value after the server has rejected one.

use http::{HeaderValue, Uri};

use crate::error::TransportError;
use crate::service::BoxFuture;

/// The generation of a key: header values with the same epoch contain the same key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(u64);

impl Epoch {
    /// Creates an epoch from its number.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// Returns the number of the epoch.
    pub const fn number(self) -> u64 {
        self.0
    }
}

/// A source of the `authorization` header.
///
/// It receives the URI and must not return a header for an origin that its key is not meant for. The transport marks
/// the value as sensitive. If it returns an error, nothing is sent, and the retry table decides whether it is called
/// again: [`TransportError::no_credential`] is never retried.
pub trait Authorizer: Send + Sync {
    /// Returns the available header without waiting; `None` if [`renew`](Self::renew) must fetch it first.
    fn ready(&self, uri: &Uri) -> Option<Result<(HeaderValue, Epoch), TransportError>>;

    /// Fetches a header. `stale` is the epoch that the server has just rejected, or `None` if nothing was sent yet.
    ///
    /// Returning the stale epoch again means that no other key exists. The request is then not sent again.
    ///
    /// # Errors
    ///
    /// Returns [`TransportError::no_credential`] if no key exists for this URI.
    fn renew<'a>(
        &'a self,
        uri: &'a Uri,
        stale: Option<Epoch>,
    ) -> BoxFuture<'a, Result<(HeaderValue, Epoch), TransportError>>;
}
