use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

/// A JSON object, members in order of their names.
pub type Object = Map<String, Value>;

/// The body of an error answer (decisions V3).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(
    clippy::exhaustive_structs,
    reason = "the server builds it, every member is on the wire"
)]
pub struct Problem {
    /// Always false.
    pub success: bool,
    /// The HTTP status.
    pub status_code: u16,
    /// One line for a person.
    pub message: String,
    /// A word for programs.
    pub error_code: String,
    /// Names this answer in the server's log.
    #[serde(rename = "request_id")]
    pub request_id: String,
}

/// Reads null as an empty object.
pub(super) fn nullable<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Object, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}
