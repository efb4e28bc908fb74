use serde::de::{Error as _, Unexpected};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

/// A JSON object with its members in the order of their names.
pub type Object = Map<String, Value>;

/// The body of an error response.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[expect(
    clippy::exhaustive_structs,
    reason = "the server creates it; all of its fields are sent"
)]
pub struct Problem {
    /// Always false.
    pub success: bool,
    /// The HTTP status.
    pub status_code: u16,
    /// The error message, on one line.
    pub message: String,
    /// The error code, for programs.
    pub error_code: String,
    /// The id of the request in the log of the server.
    #[serde(rename = "request_id")]
    pub request_id: String,
}

/// A change of a member that can be removed.
///
/// In a request, an absent member is [`Keep`](Self::Keep) and null is [`Remove`](Self::Remove).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_enums,
    reason = "the client and the server must handle every case"
)]
pub enum Change<T> {
    /// Keeps the value.
    #[default]
    Keep,
    /// Removes the value.
    Remove,
    /// Replaces the value.
    Set(T),
}

impl<T> Change<T> {
    /// Returns whether the value is kept.
    #[must_use]
    pub fn is_keep(&self) -> bool {
        matches!(self, Self::Keep)
    }
}

impl<T: Serialize> Serialize for Change<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Set(value) => serializer.serialize_some(value),
            Self::Remove | Self::Keep => serializer.serialize_none(),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Change<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::deserialize(deserializer)?.map_or(Self::Remove, Self::Set))
    }
}

/// Deserializes a value that can be absent and cannot be null.
pub(super) fn not_null<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    T::deserialize(deserializer).map(Some)
}

/// Deserializes an object, and null as an empty object.
pub(super) fn nullable<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Object, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// Deserializes a list, and null as an empty list.
pub(super) fn nullable_list<'de, T, D>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// Deserializes a number, and any other value as `None`.
pub(super) fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    Ok(Option::<Value>::deserialize(deserializer)?.and_then(|value| value.as_f64()))
}

/// Deserializes a whole number that can be absent. The official Python client sends `1000.0` for some of them.
pub(super) fn whole_number<'de, D>(deserializer: D) -> Result<Option<u32>, D::Error>
where
    D: Deserializer<'de>,
{
    let Some(number) = Option::<f64>::deserialize(deserializer)? else {
        return Ok(None);
    };
    if number.fract() != 0.0 || !(0.0..=f64::from(u32::MAX)).contains(&number) {
        let found = Unexpected::Float(number);
        return Err(D::Error::invalid_type(found, &"a whole number"));
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the number is whole and within the type"
    )]
    Ok(Some(number as u32))
}
