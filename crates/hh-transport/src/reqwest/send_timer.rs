//! The time at which an attempt is sent, which separates the timeouts for connecting and for the response.
//!
//! reqwest has no callback for an established connection. hyper calls `is_end_stream` on the body when it writes the
//! head of an HTTP/1 request, and not before. This call therefore marks the end of connecting.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::time::Instant;

/// The time since which a request is being sent. Clones refer to the same request.
#[derive(Clone, Debug, Default)]
pub(super) struct SendTimer(Arc<Mutex<Option<Instant>>>);

impl SendTimer {
    /// Returns the time at which a connection accepted the request; `None` until then.
    pub(super) fn since(&self) -> Option<Instant> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Creates the body of the request, which sets the time.
    pub(super) fn body(&self, bytes: Bytes) -> ::reqwest::Body {
        ::reqwest::Body::wrap(TimedBody {
            bytes: Some(bytes),
            sending: self.clone(),
        })
    }
}

/// The body of a request. `bytes` is `None` after they were sent.
struct TimedBody {
    bytes: Option<Bytes>,
    sending: SendTimer,
}

impl Body for TimedBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let bytes = self.bytes.take().filter(|bytes| !bytes.is_empty());
        Poll::Ready(bytes.map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        let Some(bytes) = &self.bytes else {
            return true;
        };
        // A connection that was closed in the meantime is replaced by another one, so the last time counts.
        let mut since = self
            .sending
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *since = Some(Instant::now());
        bytes.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        let length = self.bytes.as_ref().map_or(0, Bytes::len);
        SizeHint::with_exact(u64::try_from(length).unwrap_or(u64::MAX))
    }
}
