//! The `authorization` header of requests.
//!
//! The transport has no information about keys and their sources. It obtains a header value before every attempt, so
//! that a renewed key is used immediately, and another value after the server has rejected one.

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
/// Before every attempt, the transport calls [`ready`](Self::ready), and [`renew`](Self::renew) if no header is ready.
/// After the server has rejected a key, the transport calls [`renew`](Self::renew) once.
///
/// An authorizer must not return a header for an origin that its key is not meant for. The transport marks the header
/// as sensitive. If an authorizer returns an error, nothing is sent, and the [`RetryPolicy`](crate::RetryPolicy)
/// decides whether there is another attempt. [`TransportError::no_credential`] is never retried.
///
/// ```
/// use std::future::ready;
///
/// use hh_transport::{Authorizer, BoxFuture, Epoch, TransportError};
/// use http::{HeaderValue, Uri};
///
/// /// One key that is never replaced.
/// struct FixedKey(HeaderValue);
///
/// impl FixedKey {
///     fn header(&self, uri: &Uri) -> Result<(HeaderValue, Epoch), TransportError> {
///         if uri.host() == Some("api.honeyhive.ai") {
///             Ok((self.0.clone(), Epoch::new(0)))
///         } else {
///             Err(TransportError::no_credential("the key is for another host"))
///         }
///     }
/// }
///
/// impl Authorizer for FixedKey {
///     fn ready(&self, uri: &Uri) -> Option<Result<(HeaderValue, Epoch), TransportError>> {
///         Some(self.header(uri))
///     }
///
///     fn renew<'a>(
///         &'a self,
///         uri: &'a Uri,
///         _stale: Option<Epoch>,
///     ) -> BoxFuture<'a, Result<(HeaderValue, Epoch), TransportError>> {
///         // The same epoch as before: there is no other key.
///         Box::pin(ready(self.header(uri)))
///     }
/// }
/// ```
pub trait Authorizer: Send + Sync {
    /// Returns the header for a request to `uri`, or `None` if [`renew`](Self::renew) must fetch it first.
    ///
    /// # Errors
    ///
    /// Returns [`TransportError::no_credential`], of the kind
    /// [`Unauthenticated`](crate::TransportErrorKind::Unauthenticated), if no key exists for this URI.
    fn ready(&self, uri: &Uri) -> Option<Result<(HeaderValue, Epoch), TransportError>>;

    /// Fetches the header for a request to `uri`.
    ///
    /// `stale` is the epoch of the key that the server has just rejected, or `None` if [`ready`](Self::ready) returned
    /// `None`. An authorizer that has no other key returns the stale epoch, and the request is not sent again.
    ///
    /// # Errors
    ///
    /// Returns [`TransportError::no_credential`], of the kind
    /// [`Unauthenticated`](crate::TransportErrorKind::Unauthenticated), if no key exists for this URI.
    fn renew<'a>(
        &'a self,
        uri: &'a Uri,
        stale: Option<Epoch>,
    ) -> BoxFuture<'a, Result<(HeaderValue, Epoch), TransportError>>;
}
