//! Limits the memory of responses that clients have not read yet, in total and for each key.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use http::Response;
use http_body_util::BodyExt as _;
use hyper::body::{Body as HttpBody, Frame, SizeHint};

use crate::app::App;
use crate::auth::Access;
use crate::http::budget::Reservation;
use crate::http::error::{ApiError, json_bytes};
use crate::http::json::LARGE;

/// The memory of all large responses that exist at the same time, in bytes.
pub(crate) const MAX_RESPONSES: usize = 64 * 1024 * 1024;
/// The maximum size of a page of events, in bytes.
const PAGE: usize = 8 * 1024 * 1024;
/// How long a page waits until clients have read other responses.
const WAIT: Duration = Duration::from_secs(10);
/// The size of the parts in which a response is written, in bytes. The key is checked before each part.
const STEP: usize = 64 * 1024;

/// Memory for a page, reserved before its query starts.
pub(crate) struct PageReservation(Reservation);

impl PageReservation {
    /// Reserves memory for a page, and waits for it if necessary.
    ///
    /// # Errors
    /// Returns 503 if clients do not read earlier responses in time.
    pub(crate) async fn new(app: &App, access: &Access) -> Result<Self, ApiError> {
        let family = access.record().family;
        let reservation = app.responses.reserve_within(family, PAGE, WAIT);
        reservation.await.map(Self)
    }

    /// Holds the memory of a response until it is written.
    ///
    /// # Errors
    /// Returns 503 if the response is larger than the reservation and no more memory is free.
    pub(crate) async fn hold(
        self,
        access: &Access,
        response: Response<Body>,
    ) -> Result<Response<Body>, ApiError> {
        hold(self.0, access, response).await
    }

    /// Returns a response with a body in parts. The next part is created when the client has read the previous one, so
    /// that the memory for one part is enough. An error aborts the response.
    pub(crate) fn stream(self, access: &Access, parts: Parts) -> Response<Body> {
        let body = StreamedBody {
            part: Vec::new(),
            written: 0,
            parts,
            reservation: self.0,
            access: access.clone(),
        };
        let mut response = json_bytes(Vec::new());
        *response.body_mut() = Body::new(body);
        response.extensions_mut().insert(AlreadyCounted);
        response
    }
}

/// The parts of a body.
pub(crate) type Parts = BoxStream<'static, Result<Vec<u8>, ApiError>>;

/// A response body whose parts are created one after another, and that is aborted when its key is revoked.
struct StreamedBody {
    part: Vec<u8>,
    /// The number of bytes of the part that were sent.
    written: usize,
    parts: Parts,
    reservation: Reservation,
    access: Access,
}

impl HttpBody for StreamedBody {
    type Data = Bytes;
    type Error = Aborted;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Aborted>>> {
        if self.access.is_revoked() {
            return Poll::Ready(Some(Err(Aborted::KeyRevoked)));
        }
        while self.written >= self.part.len() {
            self.part = Vec::new();
            self.written = 0;
            let Some(part) = ready!(self.parts.poll_next_unpin(context)) else {
                return Poll::Ready(None);
            };
            // A single event can be larger than the reservation.
            let part = part.and_then(|part| {
                let more = part.len().saturating_sub(self.reservation.held());
                self.reservation.grow(more)?;
                Ok(part)
            });
            match part {
                Ok(part) => self.part = part,
                Err(_) => return Poll::Ready(Some(Err(Aborted::Failed))),
            }
        }
        // The bytes are copied, so that the part can be released while they wait in the connection.
        let rest = self.part.get(self.written..).unwrap_or_default();
        let frame = Bytes::copy_from_slice(rest.get(..STEP).unwrap_or(rest));
        self.written += frame.len();
        Poll::Ready(Some(Ok(Frame::data(frame))))
    }
}

/// Marks a response whose memory is already counted.
#[derive(Clone)]
struct AlreadyCounted;

/// Counts the memory of a large response until it is written.
///
/// # Errors
/// Returns 503 if too many large responses exist.
pub(crate) async fn count(
    app: &App,
    access: &Access,
    response: Response<Body>,
) -> Result<Response<Body>, ApiError> {
    let is_small = size(&response) <= LARGE;
    if is_small || response.extensions().get::<AlreadyCounted>().is_some() {
        return Ok(response);
    }
    let reservation = app.responses.reservation(access.record().family);
    hold(reservation, access, response).await
}

fn size(response: &Response<Body>) -> usize {
    let exact = response.body().size_hint().exact();
    exact.map_or(usize::MAX, |size| {
        usize::try_from(size).unwrap_or(usize::MAX)
    })
}

async fn hold(
    mut reservation: Reservation,
    access: &Access,
    response: Response<Body>,
) -> Result<Response<Body>, ApiError> {
    if size(&response) <= LARGE {
        return Ok(response);
    }
    let (mut parts, body) = response.into_parts();
    // The body of a handler is one frame, which is not copied.
    let collected = body.collect().await.map_err(|_| ApiError::internal())?;
    let bytes = collected.to_bytes();
    reservation.grow(bytes.len().saturating_sub(reservation.held()))?;
    reservation.shrink_to(bytes.len());
    parts.extensions.insert(AlreadyCounted);
    let body = CountedBody {
        bytes: Bytes::from_owner(ReservedBytes {
            bytes,
            _reservation: reservation,
        }),
        access: access.clone(),
    };
    Ok(Response::from_parts(parts, Body::new(body)))
}

/// The bytes of a response with their reservation. Both are released after the last part is written.
struct ReservedBytes {
    bytes: Bytes,
    _reservation: Reservation,
}

impl AsRef<[u8]> for ReservedBytes {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// A response body that is written in parts and aborted when its key is revoked.
struct CountedBody {
    bytes: Bytes,
    access: Access,
}

/// The reason why a response was not written to its end.
#[derive(Debug, thiserror::Error)]
enum Aborted {
    #[error("the API key was revoked while the response was being written")]
    KeyRevoked,
    #[error("the rest of the response could not be read")]
    Failed,
}

impl HttpBody for CountedBody {
    type Data = Bytes;
    type Error = Aborted;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Aborted>>> {
        if self.bytes.is_empty() {
            return Poll::Ready(None);
        }
        if self.access.is_revoked() {
            return Poll::Ready(Some(Err(Aborted::KeyRevoked)));
        }
        let step = STEP.min(self.bytes.len());
        Poll::Ready(Some(Ok(Frame::data(self.bytes.split_to(step)))))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        let size = self.bytes.len();
        SizeHint::with_exact(u64::try_from(size).unwrap_or(u64::MAX))
    }
}
