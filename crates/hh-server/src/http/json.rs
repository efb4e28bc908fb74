//! Responses in JSON.

use axum::body::Body;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Response};

/// Smaller responses do not count: 4,096 connections with one of them are within 64 MiB too.
pub(crate) const LARGE: usize = 16 * 1024;

/// Renders an answer as JSON with status 200, the only success that all clients take.
pub(crate) fn json(value: &impl serde::Serialize) -> Response<Body> {
    // Only maps with keys that are not text cannot be written, and no answer has one.
    let mut bytes = serde_json::to_vec(value).unwrap_or_default();
    // What a client reads slowly must not hold more than it is.
    if bytes.len() > LARGE {
        bytes.shrink_to_fit();
    }
    json_bytes(bytes)
}

/// Returns a response of JSON that is rendered already.
pub(crate) fn json_bytes(bytes: Vec<u8>) -> Response<Body> {
    let mut response = Response::new(Body::from(bytes));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
