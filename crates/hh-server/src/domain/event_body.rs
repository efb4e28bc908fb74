//! What is stored of an event as JSON, and times.

use std::io;

use hh_api::types::Object;
use serde::{Deserialize, Serialize};

use super::Refusal;
use super::event_limits::MAX_BODY;

/// What is stored of an event as JSON.
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
    /// Encodes the body, unless it is larger than a request may be: JSON can need six bytes for one that came.
    pub(crate) fn encode(&self) -> Result<Vec<u8>, Refusal> {
        encode_body(self)
    }
}

/// Encodes a body in any of its forms, unless it is larger than a request may be.
pub(crate) fn encode_body(body: &impl Serialize) -> Result<Vec<u8>, Refusal> {
    encode_within(body, MAX_BODY).ok_or(Refusal::TooLarge(
        "an event would be larger than 16 MiB as it is stored; send less of it",
    ))
}

/// Encodes a value as JSON, unless that is larger than a limit in bytes.
pub(crate) fn encode_within(value: &impl Serialize, limit: usize) -> Option<Vec<u8>> {
    let mut bytes = Bounded {
        bytes: Vec::new(),
        limit,
    };
    // Maps with text keys can always be written, so the only error is the limit.
    serde_json::to_writer(&mut bytes, value).ok()?;
    Some(bytes.bytes)
}

/// Takes bytes up to a limit.
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

const NANOS_PER_MILLI: i64 = 1_000_000;

/// Turns the wire's milliseconds into nanoseconds. The whole ones apart: as one float they would be off by up to
/// 128 ns, and a time would come back as another.
#[expect(
    clippy::cast_possible_truncation,
    reason = "a float beyond the range saturates, and such a time means nothing"
)]
pub(crate) fn from_millis(millis: f64) -> i64 {
    let whole = millis.floor();
    let rest = ((millis - whole) * 1e6).round();
    (whole as i64)
        .saturating_mul(NANOS_PER_MILLI)
        .saturating_add(rest as i64)
}
