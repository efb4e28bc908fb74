//! Limits the memory of responses that clients have not read yet, in total and for each key.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http::Response;
use http_body_util::BodyExt as _;
use hyper::body::{Body as HttpBody, Frame, SizeHint};

use crate::app::App;
use crate::auth::Access;
use crate::http::budget::Reservation;
use crate::http::error::ApiError;
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

#[derive(Debug, thiserror::Error)]
#[error("the API key was revoked while the response was being written")]
struct KeyRevoked;

impl HttpBody for CountedBody {
    type Data = Bytes;
    type Error = KeyRevoked;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, KeyRevoked>>> {
        if self.bytes.is_empty() {
            return Poll::Ready(None);
        }
        if self.access.is_revoked() {
            return Poll::Ready(Some(Err(KeyRevoked)));
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
