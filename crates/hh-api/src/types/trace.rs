use serde::{Deserialize, Serialize};

/// The response to an OTLP trace export in JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[expect(
    clippy::exhaustive_structs,
    reason = "the server creates it; all of its fields are sent"
)]
pub struct ExportTracesResponse {
    /// The rejected spans; absent if all spans were accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partial_success: Option<PartialSuccess>,
}

/// The rejected spans of an export. A client must not send them again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[expect(
    clippy::exhaustive_structs,
    reason = "the server creates it; all of its fields are sent"
)]
pub struct PartialSuccess {
    /// The number of rejected spans, as a string.
    pub rejected_spans: String,
    /// The reason of the rejection.
    pub error_message: String,
}
