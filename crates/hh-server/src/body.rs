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

/// The largest body, counted after inflation too.
pub(crate) const MAX_BODY: usize = 16 * 1024 * 1024;
/// All bodies that are held at one time.
pub(crate) const MAX_IN_FLIGHT: usize = 64 * 1024 * 1024;
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

    fn reserve(&self) -> Reservation {
        Reservation {
            budget: self.clone(),
            held: 0,
        }
    }
}

/// Bytes that one request holds; given back when dropped.
struct Reservation {
    budget: Budget,
    held: usize,
}

impl Reservation {
    fn grow(&mut self, bytes: usize) -> Result<(), ApiError> {
        self.budget
            .left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                left.checked_sub(bytes)
            })
            .map_err(|_| ApiError::busy())?;
        self.held += bytes;
        Ok(())
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
    reservation: Reservation,
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

/// Counts the levels of nesting of a JSON text, without recursion.
pub(crate) fn depth(json: &[u8]) -> usize {
    let (mut now, mut deepest, mut quoted) = (0_usize, 0, false);
    let mut bytes = json.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' if quoted => {
                bytes.next();
            }
            b'"' => quoted = !quoted,
            b'[' | b'{' if !quoted => {
                now += 1;
                deepest = deepest.max(now);
            }
            b']' | b'}' if !quoted => now = now.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

impl Held {
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
