//! How a request gets its `authorization` header.
//!
//! The transport knows neither keys nor where they come from. It asks for a header value before every attempt, so that
//! a key renewed in between is used at once, and it asks again when the server rejected the one it sent.

use http::{HeaderValue, Uri};

use crate::error::TransportError;
use crate::service::BoxFuture;

/// The generation of a key: two header values with the same epoch carry the same key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(u64);

impl Epoch {
    /// Wraps a generation number.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// Returns the generation number.
    pub const fn number(self) -> u64 {
        self.0
    }
}

/// Hands out the `authorization` header of a request.
///
/// It sees the URI and must give no header for an origin its key is not meant for. The transport marks the value as
/// sensitive. When it answers an error nothing is sent, and whether it is asked again follows the same table as for an
/// attempt: [`TransportError::no_credential`] ends the call.
pub trait Authorizer: Send + Sync {
    /// Returns the header at hand, without waiting; `None` when there is none yet and [`renew`](Self::renew) must
    /// fetch it.
    fn ready(&self, uri: &Uri) -> Option<Result<(HeaderValue, Epoch), TransportError>>;

    /// Fetches a header. `stale` is the epoch the server has just rejected, or `None` when nothing was sent yet.
    ///
    /// Returning the stale epoch again says that there is no other key: the request is then not repeated.
    ///
    /// # Errors
    ///
    /// When there is no key for this URI, as [`TransportError::no_credential`].
    fn renew<'a>(
        &'a self,
        uri: &'a Uri,
        stale: Option<Epoch>,
    ) -> BoxFuture<'a, Result<(HeaderValue, Epoch), TransportError>>;
}
