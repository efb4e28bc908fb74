//! Renders responses as JSON.

use axum::body::Body;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Response};

/// The size above which the memory of a response counts, in bytes. If all 4,096 connections hold a smaller response,
/// these use at most 64 MiB.
pub(crate) const LARGE: usize = 16 * 1024;

/// Renders a value as JSON with status 200, the only success status that all clients accept.
pub(crate) fn json(value: &impl serde::Serialize) -> Response<Body> {
    // Only maps whose keys are not text cannot be rendered, and no response contains one.
    let mut bytes = serde_json::to_vec(value).unwrap_or_default();
    // A response that a client reads slowly must not hold unused memory.
    if bytes.len() > LARGE {
        bytes.shrink_to_fit();
    }
    json_bytes(bytes)
}

/// Returns a response from JSON that is already rendered.
pub(crate) fn json_bytes(bytes: Vec<u8>) -> Response<Body> {
    let mut response = Response::new(Body::from(bytes));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
