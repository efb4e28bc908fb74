//! Reads the content encoding and the kind of length of a response body.

use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName, StatusCode};

/// Returns whether a body is compressed with gzip. The error is the end of a message that begins with "the response
/// from HOST".
pub(super) fn is_gzip(headers: &HeaderMap) -> Result<bool, &'static str> {
    if !headers.contains_key(CONTENT_ENCODING) {
        return Ok(false);
    }
    let mut codings = codings(headers, &CONTENT_ENCODING);
    let (first, second) = (codings.next(), codings.next());
    match (first.as_deref(), second) {
        (None | Some("identity"), None) => Ok(false),
        (Some("gzip" | "x-gzip"), None) => Ok(true),
        _ => Err("uses an unsupported content encoding"),
    }
}

/// Returns whether the end of a body is known: by a length, or by chunked as the only transfer coding (RFC 9112, 6.3).
pub(super) fn has_end(status: StatusCode, headers: &HeaderMap) -> bool {
    if matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED) {
        return true;
    }
    if !headers.contains_key(TRANSFER_ENCODING) {
        return headers.contains_key(CONTENT_LENGTH);
    }
    codings(headers, &TRANSFER_ENCODING).eq(["chunked"])
}

/// Returns the codings of all lines of a header, in lower case.
fn codings(headers: &HeaderMap, name: &HeaderName) -> impl Iterator<Item = String> {
    let values = headers.get_all(name).iter();
    let values = values.flat_map(|value| {
        // A value that is not text is an unknown coding.
        let codings = value.to_str().unwrap_or("?").split(',');
        codings.map(|coding| coding.trim().to_ascii_lowercase())
    });
    values.filter(|coding| !coding.is_empty())
}
