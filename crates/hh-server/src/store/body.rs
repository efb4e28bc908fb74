//! What is stored of an event as JSON, and times.

use hh_api::types::Object;
use serde::{Deserialize, Serialize};

use super::StoreError;

/// What is stored of an event as JSON.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Body {
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

impl Body {
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        // Maps with text keys can always be written.
        serde_json::to_vec(self).unwrap_or_default()
    }
}

/// Reads what [`Body::to_bytes`] wrote.
pub(super) fn parse_body(stored: &[u8]) -> Result<Body, StoreError> {
    serde_json::from_slice(stored).map_err(|_| rusqlite::Error::InvalidQuery.into())
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

/// The reverse of [`from_millis`].
#[expect(
    clippy::cast_precision_loss,
    reason = "the wire's times are floating milliseconds: exact to a microsecond in this century"
)]
pub(super) fn to_millis(nanos: i64) -> f64 {
    let whole = nanos.div_euclid(NANOS_PER_MILLI) as f64;
    whole + nanos.rem_euclid(NANOS_PER_MILLI) as f64 / 1e6
}
