//! The encodings of an export request.

use http::HeaderMap;
use http::header::{ACCEPT, CONTENT_TYPE};

/// The encoding of an export request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    Protobuf,
    Json,
}

impl Encoding {
    /// Returns the encoding of a body, or `None` if its `Content-Type` is neither.
    pub(crate) fn of(headers: &HeaderMap) -> Option<Self> {
        let kind = headers.get(CONTENT_TYPE)?.to_str().ok()?;
        let name = kind.split(';').next()?.trim();
        match name.to_ascii_lowercase().as_str() {
            "application/x-protobuf" | "application/protobuf" => Some(Self::Protobuf),
            "application/json" => Some(Self::Json),
            _ => None,
        }
    }

    /// Returns the encoding of an error response to an export: that of the request, unless the client accepts JSON.
    pub(crate) fn of_error(headers: &HeaderMap) -> Self {
        let accepted = headers.get(ACCEPT).and_then(|value| value.to_str().ok());
        let accepts_json = accepted.is_some_and(|value| value.contains("application/json"));
        match Self::of(headers) {
            Some(Self::Protobuf) if !accepts_json => Self::Protobuf,
            _ => Self::Json,
        }
    }
}
