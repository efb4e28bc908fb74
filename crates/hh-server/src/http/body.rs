//! Reads and decompresses request bodies, within limits of size, memory and arrival rate.

use std::future::Future as _;
use std::future::poll_fn;
use std::io::Read;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use axum::body::{Body, HttpBody as _};
use bytes::Bytes;
use flate2::bufread::ZlibDecoder;
use hh_api::types::KeyState;
use http::header::CONTENT_LENGTH;
use http::{HeaderMap, HeaderValue, StatusCode};
use hyper::body::Frame;
use tokio::time::{Instant, Sleep, sleep};

use crate::app::App;
use crate::auth::{Access, find_principal};
use crate::http::error::ApiError;
use crate::limits::BodyShape;

use super::gzip::GzipReader;
use super::zstd::ZstdReader;
pub(crate) use crate::domain::event_limits::MAX_BODY;
pub(crate) use crate::http::budget::{Budget, Reservation};

/// The memory of all bodies that are held at the same time, in bytes.
pub(crate) const MAX_IN_FLIGHT: usize = 64 * 1024 * 1024;
/// The minimum reservation of a request with a body, in bytes: the buffers of its connection.
///
/// It also limits the connections that wait for bodies or in handlers: 1,024 with one key and 2,048 in total, half of
/// all connections.
const OVERHEAD: usize = 32 * 1024;
/// The minimum step by which a buffer grows, in bytes.
const STEP: usize = 64 * 1024;
/// The maximum number of values in one body. An empty value has 2 bytes on the wire and about 100 in memory, so a limit
/// of bytes alone does not limit memory.
const MAX_ELEMENTS: usize = 200_000;
/// The approximate memory of one value, in bytes.
const ELEMENT_BYTES: usize = 256;
/// The approximate additional memory of a JSON object, in bytes: a node of its map has room for 11 members.
const OBJECT_BYTES: usize = 450;
/// The time limit for the arrival of a body.
const BODY_DEADLINE: Duration = Duration::from_secs(30);
/// The interval at which a body that is still arriving is checked.
const CHECK: Duration = Duration::from_secs(1);
/// The number of checks in one window of the minimum rate.
const CHECKS: u32 = 5;
/// The minimum number of bytes that must arrive in a window: 1 KiB/s.
const MINIMUM_ARRIVAL: usize = 5 * 1024;

impl Reservation {
    /// Reserves memory for the values of JSON in a string.
    pub(crate) fn unpack(&mut self, shape: BodyShape) -> Result<(), ApiError> {
        self.grow_for_work(shape.elements * ELEMENT_BYTES + shape.objects * OBJECT_BYTES)
    }

    /// Reserves memory for bytes that are about to be stored. JSON may need six bytes for one received byte.
    pub(crate) fn store(&mut self, bytes: usize) -> Result<(), ApiError> {
        if bytes > MAX_BODY {
            return Err(ApiError::too_large());
        }
        self.grow_for_work(bytes)
    }
}

/// A whole body with the memory that is reserved for it.
pub(crate) struct BufferedBody {
    pub(crate) bytes: Bytes,
    pub(crate) reservation: Reservation,
}

/// Reads a whole body. Fails if the key of the request is revoked or expires in the meantime.
pub(crate) async fn read(
    app: &App,
    access: &Access,
    headers: &HeaderMap,
    body: Body,
) -> Result<BufferedBody, ApiError> {
    let announced = headers
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|announced| announced > MAX_BODY) {
        return Err(ApiError::too_large());
    }
    let mut buffer = Buffer {
        bytes: Vec::new(),
        limit: announced.unwrap_or(MAX_BODY),
        other: 0,
        is_arriving: true,
        reservation: app.in_flight.reservation(access.record().family),
    };
    let mut arriving = IncomingBody::new(body);
    if !arriving.body.is_end_stream() {
        buffer.reservation.grow(OVERHEAD)?;
    }
    let mut rate = ArrivalRate::begin();
    loop {
        match arriving.next().await {
            BodyEvent::Frame(None) => break,
            BodyEvent::Frame(Some(frame)) => {
                let frame = frame.map_err(|_| ApiError::invalid("the body was truncated"))?;
                if let Ok(data) = frame.into_data() {
                    buffer.extend(&data)?;
                    rate.count(data.len());
                }
            }
            BodyEvent::Check => {
                rate.check()?;
                check_key(app, access).await?;
            }
        }
        if access.is_revoked() {
            let state = access.state(app.clock.now());
            return Err(ApiError::ended(access.record(), state));
        }
    }
    Ok(BufferedBody {
        bytes: Bytes::from(buffer.bytes),
        reservation: buffer.reservation,
    })
}

/// Checks the key again. The record of the request is not updated when the key is rotated.
async fn check_key(app: &App, access: &Access) -> Result<(), ApiError> {
    let found = find_principal(app, access.record().digest).await?;
    let found = found.ok_or_else(|| ApiError::bad_key("the API key no longer exists"))?;
    let state = found.state(app.clock.key_time());
    if state == KeyState::Active {
        return Ok(());
    }
    Err(ApiError::ended(found.record(), state))
}

/// A body that is still arriving.
struct IncomingBody {
    body: Body,
    /// Created when the server has to wait for bytes. Most bodies are complete at the second poll.
    timer: Option<Pin<Box<Sleep>>>,
    was_polled: bool,
}

enum BodyEvent {
    Frame(Option<Result<Frame<Bytes>, axum::Error>>),
    /// The interval [`CHECK`] has passed.
    Check,
}

impl IncomingBody {
    fn new(body: Body) -> Self {
        Self {
            body,
            timer: None,
            was_polled: false,
        }
    }

    async fn next(&mut self) -> BodyEvent {
        poll_fn(|cx| {
            if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(cx) {
                return Poll::Ready(BodyEvent::Frame(frame));
            }
            // The first poll makes the connection read the body, so the body is polled again before waiting for it.
            if !std::mem::replace(&mut self.was_polled, true) {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            let timer = self.timer.get_or_insert_with(|| Box::pin(sleep(CHECK)));
            if timer.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            timer.as_mut().reset(Instant::now() + CHECK);
            Poll::Ready(BodyEvent::Check)
        })
        .await
    }
}

/// The rate at which a body arrives.
struct ArrivalRate {
    started: Instant,
    window: u32,
    received: usize,
}

impl ArrivalRate {
    fn begin() -> Self {
        Self {
            started: Instant::now(),
            window: 0,
            received: 0,
        }
    }

    fn count(&mut self, bytes: usize) {
        self.received += bytes;
    }

    /// Checks the rate. Callers call it once per [`CHECK`].
    fn check(&mut self) -> Result<(), ApiError> {
        if self.started.elapsed() >= BODY_DEADLINE {
            return Err(ApiError::timeout("the body did not arrive within 30 s"));
        }
        self.window += 1;
        if self.window == CHECKS {
            if self.received < MINIMUM_ARRIVAL {
                return Err(ApiError::timeout(
                    "the body arrived at less than 1 KiB/s for 5 s",
                ));
            }
            (self.window, self.received) = (0, 0);
        }
        Ok(())
    }
}

/// A buffer that grows within a reservation.
struct Buffer {
    bytes: Vec<u8>,
    /// The maximum number of bytes that can arrive.
    limit: usize,
    /// The number of reserved bytes that are used for other data.
    other: usize,
    /// Whether the client is sending the bytes.
    is_arriving: bool,
    reservation: Reservation,
}

impl Buffer {
    /// Appends bytes. It reserves memory before it allocates, and allocates little more than what has arrived.
    fn extend(&mut self, data: &[u8]) -> Result<(), ApiError> {
        let length = self.bytes.len() + data.len();
        if length > MAX_BODY {
            return Err(ApiError::too_large());
        }
        let capacity = self.bytes.capacity();
        if length > capacity {
            let step = if capacity == 0 { OVERHEAD } else { STEP };
            let wanted = (capacity + step.max(capacity / 2)).min(self.limit);
            let wanted = wanted.max(length);
            let held = self.reservation.held();
            let more = (self.other + wanted).saturating_sub(held);
            if self.is_arriving {
                self.reservation.grow(more)?;
            } else {
                self.reservation.grow_for_work(more)?;
            }
            self.bytes.reserve_exact(wanted - self.bytes.len());
        }
        self.bytes.extend_from_slice(data);
        Ok(())
    }
}

impl BufferedBody {
    /// Reserves memory for the decoded form of a body, before it is decoded.
    pub(crate) fn reserve(&mut self, shape: BodyShape) -> Result<(), ApiError> {
        if shape.elements > MAX_ELEMENTS {
            return Err(ApiError::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "TOO_LARGE",
                format!("the body has more than {MAX_ELEMENTS} values; send smaller requests"),
            ));
        }
        self.reservation
            .grow_for_work(shape.elements * ELEMENT_BYTES)
    }

    /// Reserves memory for a JSON body that is decoded into JSON values, before it is decoded.
    pub(crate) fn reserve_values(&mut self, shape: BodyShape) -> Result<(), ApiError> {
        self.reserve(shape)?;
        self.reservation.grow_for_work(shape.objects * OBJECT_BYTES)
    }

    /// Reserves memory for invalid UTF-8, which is replaced with characters of three bytes each.
    pub(crate) fn reserve_replaced_text(&mut self) -> Result<(), ApiError> {
        if str::from_utf8(&self.bytes).is_err() {
            self.reservation.grow_for_work(2 * self.bytes.len())?;
        }
        Ok(())
    }

    /// Decompresses the body by its `Content-Encoding`: identity, gzip, deflate (zlib) or zstd.
    ///
    /// Bytes after the compressed data are an error.
    pub(crate) fn inflate(self, encoding: &HeaderValue) -> Result<Self, ApiError> {
        let encoding = encoding.to_str().ok();
        let encoding = encoding.map(|value| value.trim().to_ascii_lowercase());
        let packed = self.bytes.clone();
        match encoding.as_deref() {
            Some("" | "identity") => Ok(self),
            Some("gzip") => self.inflate_from(&mut GzipReader::new(&packed)),
            Some("deflate") => {
                let mut decoder = ZlibDecoder::new(&*packed);
                let inflated = self.inflate_from(&mut decoder)?;
                if decoder.get_ref().is_empty() {
                    Ok(inflated)
                } else {
                    Err(cannot_inflate())
                }
            }
            Some("zstd") => self.inflate_from(&mut ZstdReader::new(&packed)),
            _ => Err(ApiError::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "UNSUPPORTED_ENCODING",
                "Content-Encoding must be gzip, deflate, zstd or absent",
            )),
        }
    }

    fn inflate_from(self, decoder: &mut impl Read) -> Result<Self, ApiError> {
        let mut buffer = Buffer {
            bytes: Vec::new(),
            limit: MAX_BODY,
            other: self.reservation.held(),
            is_arriving: false,
            reservation: self.reservation,
        };
        let mut chunk = vec![0; STEP];
        loop {
            let count = decoder.read(&mut chunk).map_err(|_| cannot_inflate())?;
            if count == 0 {
                break;
            }
            buffer.extend(&chunk[..count])?;
        }
        Ok(Self {
            bytes: Bytes::from(buffer.bytes),
            reservation: buffer.reservation,
        })
    }
}

fn cannot_inflate() -> ApiError {
    ApiError::invalid("the body cannot be decompressed")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::connections::ConnectionLimits;

    #[test]
    fn requests_that_wait_for_their_bodies_leave_connections_to_others() {
        let budget = Budget::new(MAX_IN_FLIGHT);
        let mut held = Vec::new();
        let of_family = |family, held: &mut Vec<Reservation>| {
            let before = held.len();
            loop {
                let mut reservation = budget.reservation(family);
                if reservation.grow(OVERHEAD).is_err() {
                    return held.len() - before;
                }
                held.push(reservation);
            }
        };
        let places = ConnectionLimits::default().total;
        assert_eq!(of_family(1, &mut held), places / 4);
        assert_eq!(of_family(2, &mut held), places / 8);
        assert_eq!(of_family(3, &mut held), places / 16);
    }
}
