use serde::{Deserialize, Deserializer, Serialize};
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

/// Deserializes an object, and null as an empty object.
pub(super) fn nullable<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Object, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}
