use serde::{Deserialize, Serialize};

/// The response to an OTLP trace export in JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[expect(
    clippy::exhaustive_structs,
    reason = "the server builds it, every member is on the wire"
)]
pub struct ExportTracesResponse {
    /// Which spans were rejected, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partial_success: Option<PartialSuccess>,
}

/// Spans that were rejected; a client must not send them again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[expect(
    clippy::exhaustive_structs,
    reason = "the server builds it, every member is on the wire"
)]
pub struct PartialSuccess {
    /// The number of rejected spans, as text.
    pub rejected_spans: String,
    /// Why they were rejected.
    pub error_message: String,
}
