//! Error answers: one shape for all routes (decisions V3).

use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use std::time::Duration;

use axum::body::Body;
use hh_api::types::{KeyState, Problem};
use jiff::Timestamp;

use crate::failures::{QUOTA, WINDOW};
use crate::keys::KeyRecord;

/// An error answer before it has a request id.
#[derive(Debug)]
pub(crate) struct ApiError {
    status: StatusCode,
    code: &'static str,
    message: String,
    /// Whole seconds until another attempt has a chance.
    retry_after: Option<u64>,
}

/// The quota of attempts with bad keys, in the form of draft-ietf-httpapi-ratelimit-headers-10.
const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

impl ApiError {
    pub(crate) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        let retry_after = (status == StatusCode::SERVICE_UNAVAILABLE).then_some(1);
        Self {
            status,
            code,
            message: message.into(),
            retry_after,
        }
    }

    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "INVALID_REQUEST", message)
    }

    pub(crate) fn unauthenticated(message: &str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "UNAUTHENTICATED", message)
    }

    /// Tells the holder of a whole key why it works no more.
    pub(crate) fn ended(key: &KeyRecord, now: Timestamp) -> Self {
        let (code, why) = match key.state(now) {
            KeyState::Revoked => ("KEY_REVOKED", "was revoked; use another".to_owned()),
            KeyState::Replaced => (
                "KEY_REPLACED",
                format!(
                    "was replaced by the key {} and its grace is over; use that one",
                    key.replaced_by.as_deref().unwrap_or("another"),
                ),
            ),
            KeyState::Expired => {
                let end = key
                    .grant
                    .expires
                    .map_or_else(String::new, |end| format!(" at {end:.0}"));
                ("KEY_EXPIRED", format!("expired{end}; use another"))
            }
            KeyState::Active | _ => ("UNAUTHENTICATED", "does not work any more".to_owned()),
        };
        let message = format!("the API key {} ({}) {why}", key.id, key.shown);
        Self::new(StatusCode::UNAUTHORIZED, code, message)
    }

    pub(crate) fn too_many_failures(wait: Duration) -> Self {
        let message = "too many requests with keys that are not valid here came from this address; a valid key works at once";
        Self {
            retry_after: Some(wait.as_secs() + u64::from(wait.subsec_nanos() > 0)),
            ..Self::new(StatusCode::TOO_MANY_REQUESTS, "RATE_LIMITED", message)
        }
    }

    pub(crate) fn forbidden(message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "PERMISSION_DENIED", message)
    }

    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "NOT_FOUND", message)
    }

    pub(crate) fn too_large() -> Self {
        let message = "the body is larger than 16 MiB, counted after inflation and as it is stored; send less at once";
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "TOO_LARGE", message)
    }

    pub(crate) fn busy() -> Self {
        Self::unavailable("the server is handling as many bytes as it may; try again")
    }

    pub(crate) fn unavailable(message: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE", message)
    }

    /// Details stay in the server: they may name its files.
    pub(crate) fn internal() -> Self {
        let message = "the server failed; try again, and look at its log if it stays so";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL", message)
    }

    pub(crate) fn into_response(self, request_id: &str) -> Response<Body> {
        let problem = Problem {
            success: false,
            status_code: self.status.as_u16(),
            message: self.message,
            error_code: self.code.to_owned(),
            request_id: request_id.to_owned(),
        };
        let mut response = json(&problem);
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(seconds) = self.retry_after {
            headers.insert(RETRY_AFTER, seconds.into());
            if self.status == StatusCode::TOO_MANY_REQUESTS {
                let left = format!("\"bad-keys\";r=0;t={seconds}");
                let policy = format!("\"bad-keys\";q={QUOTA};w={}", WINDOW.as_secs());
                for (name, value) in [(RATE_LIMIT, left), (RATE_LIMIT_POLICY, policy)] {
                    headers.extend(HeaderValue::try_from(value).ok().map(|value| (name, value)));
                }
            }
        }
        response
    }
}

/// Renders an answer as JSON with status 200, the only success that all clients take.
pub(crate) fn json(value: &impl serde::Serialize) -> Response<Body> {
    // Only maps with keys that are not text cannot be written, and no answer has one.
    json_bytes(serde_json::to_vec(value).unwrap_or_default())
}

/// Makes a response of JSON that is rendered already.
pub(crate) fn json_bytes(bytes: Vec<u8>) -> Response<Body> {
    let mut response = Response::new(Body::from(bytes));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
