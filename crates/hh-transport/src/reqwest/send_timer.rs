//! Knows since when an attempt is being sent, so that connecting and waiting for the answer have a time each.
//!
//! reqwest tells nobody when it has connected. The body of the request hears of it: as HTTP/1 writes the head of a
//! request, it asks the body whether there is one, and before that nobody does.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::time::Instant;

/// Since when a request is being sent; clones tell of the same request.
#[derive(Clone, Debug, Default)]
pub(super) struct SendTimer(Arc<Mutex<Option<Instant>>>);

impl SendTimer {
    /// Returns when a connection took the request; `None` as long as there is no connection.
    pub(super) fn since(&self) -> Option<Instant> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes the body of the request, which tells of it.
    pub(super) fn body(&self, bytes: Bytes) -> ::reqwest::Body {
        ::reqwest::Body::wrap(TimedBody {
            bytes: Some(bytes),
            sending: self.clone(),
        })
    }
}

/// The body of a request; `None` once it was handed over.
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
        // A connection that was closed meanwhile is replaced by another one, whose time counts.
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
