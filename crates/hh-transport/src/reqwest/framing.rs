//! How the body of an answer is packed, and where it ends.

use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName, StatusCode};

/// Tells whether a body is compressed with gzip; the error completes "the answer of the server ".
pub(super) fn is_gzip(headers: &HeaderMap) -> Result<bool, &'static str> {
    if !headers.contains_key(CONTENT_ENCODING) {
        return Ok(false);
    }
    let mut codings = codings(headers, &CONTENT_ENCODING);
    let (first, second) = (codings.next(), codings.next());
    match (first.as_deref(), second) {
        (None | Some("identity"), None) => Ok(false),
        (Some("gzip" | "x-gzip"), None) => Ok(true),
        _ => Err("is compressed in a way that nobody asked for"),
    }
}

/// Tells whether a body says where it ends: by its length, or in chunks that are nothing else besides (RFC 9112, 6.3).
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
        // What is not text is a coding that nobody knows.
        let codings = value.to_str().unwrap_or("?").split(',');
        codings.map(|coding| coding.trim().to_ascii_lowercase())
    });
    values.filter(|coding| !coding.is_empty())
}
