//! Encodes the JSON part of a stored event, and converts times.

use std::io;

use hh_api::types::Object;
use serde::{Deserialize, Serialize};

use super::Refusal;
use super::event_limits::MAX_BODY;

/// The part of an event that is stored as JSON.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct EventBody {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) source: String,
    #[serde(skip_serializing_if = "Object::is_empty")]
    pub(crate) config: Object,
    #[serde(skip_serializing_if = "Object::is_empty")]
    pub(crate) inputs: Object,
    #[serde(skip_serializing_if = "Object::is_empty")]
    pub(crate) outputs: Object,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
    #[serde(skip_serializing_if = "Object::is_empty")]
    pub(crate) metadata: Object,
    #[serde(skip_serializing_if = "Object::is_empty")]
    pub(crate) metrics: Object,
    #[serde(skip_serializing_if = "Object::is_empty")]
    pub(crate) feedback: Object,
    #[serde(skip_serializing_if = "Object::is_empty")]
    pub(crate) user_properties: Object,
}

impl EventBody {
    /// Encodes the body.
    ///
    /// # Errors
    /// `TooLarge` if the result exceeds [`MAX_BODY`]. JSON can need six bytes for one byte of a request.
    pub(crate) fn encode(&self) -> Result<Vec<u8>, Refusal> {
        encode_body(self)
    }
}

/// Encodes a body in any of its forms.
///
/// # Errors
/// `TooLarge` if the result exceeds [`MAX_BODY`].
pub(crate) fn encode_body(body: &impl Serialize) -> Result<Vec<u8>, Refusal> {
    encode_within(body, MAX_BODY).ok_or(Refusal::TooLarge(
        "the stored event would exceed 16 MiB; send a smaller event",
    ))
}

/// Encodes a value as JSON; returns `None` if the result exceeds a limit, in bytes.
pub(crate) fn encode_within(value: &impl Serialize, limit: usize) -> Option<Vec<u8>> {
    let mut bytes = Bounded {
        bytes: Vec::new(),
        limit,
    };
    // Maps with string keys can always be serialized, so the only possible error is the limit.
    serde_json::to_writer(&mut bytes, value).ok()?;
    Some(bytes.bytes)
}

/// A writer that collects bytes up to a limit.
struct Bounded {
    bytes: Vec<u8>,
    limit: usize,
}

impl io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + bytes.len() > self.limit {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

const NANOS_PER_MILLI: u32 = 1_000_000;
const NANOS_PER_MICRO: u32 = 1_000;

/// The end of the year 9999 in Unix milliseconds. A greater number is a time in Unix microseconds.
const MAX_MILLIS: f64 = 253_402_300_800_000.0;

/// Converts a time of the API to nanoseconds.
///
/// The unit is milliseconds, or microseconds if the number is too large for milliseconds: the `LangChain` tracer of the
/// npm client sends `1000 * Date.now()`.
pub(crate) fn from_time(time: f64) -> i64 {
    if time > MAX_MILLIS {
        to_nanos(time, NANOS_PER_MICRO)
    } else {
        from_millis(time)
    }
}

/// Converts the milliseconds of the API to nanoseconds.
pub(crate) fn from_millis(millis: f64) -> i64 {
    to_nanos(millis, NANOS_PER_MILLI)
}

/// Converts a number of units with a length in nanoseconds.
///
/// Whole units and the fraction are converted separately: a conversion as one float would be off by up to 128 ns, and the
/// server would return a different time than it received.
#[expect(
    clippy::cast_possible_truncation,
    reason = "a float beyond the range saturates, and such a time has no meaning"
)]
fn to_nanos(number: f64, nanos: u32) -> i64 {
    let whole = number.floor();
    let rest = ((number - whole) * f64::from(nanos)).round();
    (whole as i64)
        .saturating_mul(i64::from(nanos))
        .saturating_add(rest as i64)
}
