//! Determines from the headers of a response whether the body is compressed and whether its end is known.

use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName, StatusCode};

/// Returns whether a body is compressed with gzip. The error is a predicate whose subject is the response.
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

/// Returns whether the end of a body is known. It is known if the status allows no body, or if the headers contain a
/// length or `chunked` as the only transfer coding (RFC 9112, 6.3).
pub(super) fn has_end(status: StatusCode, headers: &HeaderMap) -> bool {
    if matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED) {
        return true;
    }
    if !headers.contains_key(TRANSFER_ENCODING) {
        return headers.contains_key(CONTENT_LENGTH);
    }
    codings(headers, &TRANSFER_ENCODING).eq(["chunked"])
}

/// Returns the codings in all header fields with this name, in lower case.
fn codings(headers: &HeaderMap, name: &HeaderName) -> impl Iterator<Item = String> {
    let values = headers.get_all(name).iter();
    let values = values.flat_map(|value| {
        // A value that is not text counts as an unknown coding.
        let codings = value.to_str().unwrap_or("?").split(',');
        codings.map(|coding| coding.trim().to_ascii_lowercase())
    });
    values.filter(|coding| !coding.is_empty())
}
