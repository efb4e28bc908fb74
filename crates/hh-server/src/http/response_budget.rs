//! Memory of responses: what a client has not read yet counts against a limit for all and a share of its key.

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

/// All large responses that exist at one time.
pub(crate) const MAX_RESPONSES: usize = 64 * 1024 * 1024;
/// The largest page of events.
const PAGE: usize = 8 * 1024 * 1024;
/// How long a page waits for others to be read.
const WAIT: Duration = Duration::from_secs(10);
/// A response is written in steps of this size; between them the key is checked.
const STEP: usize = 64 * 1024;

/// Room for a page, reserved before the work for it begins.
pub(crate) struct PageReservation(Reservation);

impl PageReservation {
    /// Waits for room.
    ///
    /// # Errors
    /// 503 when earlier responses are not read in time.
    pub(crate) async fn new(app: &App, access: &Access) -> Result<Self, ApiError> {
        let family = access.record().family;
        let reservation = app.responses.reserve_within(family, PAGE, WAIT);
        reservation.await.map(Self)
    }

    /// Keeps the room that a response needs until it is written.
    ///
    /// # Errors
    /// 503 when the response is larger than the room and there is no more.
    pub(crate) async fn hold(
        self,
        access: &Access,
        response: Response<Body>,
    ) -> Result<Response<Body>, ApiError> {
        hold(self.0, access, response).await
    }
}

/// Marks a response that counts already.
#[derive(Clone)]
struct AlreadyCounted;

/// Counts a response that is large until it is written.
///
/// # Errors
/// 503 when too many are held.
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

/// The bytes of a response with their reservation: both end with the last part that is being written.
struct ReservedBytes {
    bytes: Bytes,
    _reservation: Reservation,
}

impl AsRef<[u8]> for ReservedBytes {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// A response that is written in parts and breaks off when its key is revoked.
struct CountedBody {
    bytes: Bytes,
    access: Access,
}

#[derive(Debug, thiserror::Error)]
#[error("the API key was revoked while the response was written")]
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
