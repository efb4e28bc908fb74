//! Request bodies: bounded each and in all, inflated under the same bounds.

use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use http::{HeaderMap, StatusCode};
use http_body_util::BodyExt as _;

use crate::error::ApiError;
use crate::shape::Shape;

/// The largest body, counted after inflation too.
pub(crate) const MAX_BODY: usize = 16 * 1024 * 1024;
/// All bodies that are held at one time.
pub(crate) const MAX_IN_FLIGHT: usize = 64 * 1024 * 1024;
/// The values of one body. Empty ones take 2 bytes on the wire and a hundred in memory, so bytes alone bound nothing.
const MAX_ELEMENTS: usize = 200_000;
/// What one value takes in memory, about.
const ELEMENT_BYTES: usize = 256;
/// How long a body may take to arrive.
const BODY_DEADLINE: Duration = Duration::from_secs(30);

/// Bytes that may still be held.
#[derive(Clone)]
pub(crate) struct Budget {
    left: Arc<AtomicUsize>,
}

impl Budget {
    pub(crate) fn new(bytes: usize) -> Self {
        Self {
            left: Arc::new(AtomicUsize::new(bytes)),
        }
    }

    pub(crate) fn reserve(&self) -> Reservation {
        Reservation {
            budget: self.clone(),
            held: 0,
        }
    }
}

/// Bytes that one request holds; given back when dropped. What is queued for the writer keeps it.
pub(crate) struct Reservation {
    budget: Budget,
    held: usize,
}

impl Reservation {
    /// Takes what is about to be stored: JSON may need six bytes for one that came.
    pub(crate) fn store(&mut self, bytes: usize) -> Result<(), ApiError> {
        if bytes > MAX_BODY {
            return Err(ApiError::too_large());
        }
        self.grow(bytes)
    }

    /// Takes more bytes from the budget.
    pub(crate) fn grow(&mut self, bytes: usize) -> Result<(), ApiError> {
        self.budget
            .left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                left.checked_sub(bytes)
            })
            .map_err(|_| ApiError::busy())?;
        self.held += bytes;
        Ok(())
    }

    /// Returns bytes to the budget before the request ends.
    pub(crate) fn release(&mut self, bytes: usize) {
        let bytes = bytes.min(self.held);
        self.held -= bytes;
        self.budget.left.fetch_add(bytes, Ordering::Relaxed);
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.budget.left.fetch_add(self.held, Ordering::Relaxed);
    }
}

/// A whole body, with its share of the budget.
pub(crate) struct Held {
    pub(crate) bytes: Bytes,
    pub(crate) reservation: Reservation,
}

/// Reads a body whole.
pub(crate) async fn read(
    budget: &Budget,
    headers: &HeaderMap,
    body: Body,
) -> Result<Held, ApiError> {
    let announced = headers
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<usize>().ok())
        .unwrap_or(0);
    if announced > MAX_BODY {
        return Err(ApiError::too_large());
    }
    let collect = collect(budget.reserve(), announced, body);
    tokio::time::timeout(BODY_DEADLINE, collect)
        .await
        .map_err(|_| {
            ApiError::new(
                StatusCode::REQUEST_TIMEOUT,
                "TIMEOUT",
                "the body did not arrive within 30 s",
            )
        })?
}

async fn collect(
    mut reservation: Reservation,
    announced: usize,
    mut body: Body,
) -> Result<Held, ApiError> {
    let mut buffer = Vec::new();
    reservation.grow(announced)?;
    let mut reserved = announced;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| ApiError::invalid("the body broke off"))?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        let length = buffer.len() + data.len();
        if length > MAX_BODY {
            return Err(ApiError::too_large());
        }
        if length > reserved {
            reservation.grow(length - reserved)?;
            reserved = length;
        }
        buffer.extend_from_slice(&data);
    }
    Ok(Held {
        bytes: Bytes::from(buffer),
        reservation,
    })
}

impl Held {
    /// Takes what the decoded form of a body will need from the budget, before it is decoded.
    pub(crate) fn reserve(&mut self, shape: Shape) -> Result<(), ApiError> {
        if shape.elements > MAX_ELEMENTS {
            return Err(ApiError::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "TOO_LARGE",
                format!("the body has more than {MAX_ELEMENTS} values; send less at once"),
            ));
        }
        self.reservation.grow(shape.elements * ELEMENT_BYTES)
    }

    /// Inflates by the `Content-Encoding`: none, gzip or deflate (zlib).
    pub(crate) fn inflate(mut self, headers: &HeaderMap) -> Result<Self, ApiError> {
        let encoding = headers
            .get(CONTENT_ENCODING)
            .map_or(Some(""), |value| value.to_str().ok())
            .map(|value| value.trim().to_ascii_lowercase());
        let packed = self.bytes.clone();
        let inflated = match encoding.as_deref() {
            Some("" | "identity") => return Ok(self),
            Some("gzip") => self.inflate_from(flate2::read::GzDecoder::new(&*packed))?,
            Some("deflate") => self.inflate_from(flate2::read::ZlibDecoder::new(&*packed))?,
            _ => {
                return Err(ApiError::new(
                    StatusCode::UNSUPPORTED_MEDIA_TYPE,
                    "UNSUPPORTED_ENCODING",
                    "Content-Encoding must be gzip, deflate or absent",
                ));
            }
        };
        self.bytes = Bytes::from(inflated);
        Ok(self)
    }

    fn inflate_from(&mut self, mut decoder: impl Read) -> Result<Vec<u8>, ApiError> {
        const STEP: usize = 64 * 1024;
        let mut inflated = Vec::new();
        let mut chunk = vec![0; STEP];
        loop {
            let count = decoder
                .read(&mut chunk)
                .map_err(|_| ApiError::invalid("the body cannot be inflated"))?;
            if count == 0 {
                return Ok(inflated);
            }
            if inflated.len() + count > MAX_BODY {
                return Err(ApiError::too_large());
            }
            self.reservation.grow(count)?;
            inflated.extend_from_slice(&chunk[..count]);
        }
    }
}
