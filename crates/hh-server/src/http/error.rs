//! Error responses, which have one shape for all routes (see `docs/design/decisions.md#v3`).

use http::header::{CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use std::time::Duration;

use axum::body::Body;
use hh_api::types::{KeyState, Problem};

use crate::auth::{QUOTA, WINDOW};
use crate::domain::Refusal;
use crate::domain::keys::KeyRecord;
pub(crate) use crate::http::json::{json, json_bytes};
use crate::otlp::encode_status;
use crate::store::{EngineErrorKind, StoreError};

/// An error response that does not have a request id yet.
#[derive(Debug)]
pub(crate) struct ApiError {
    status: StatusCode,
    code: &'static str,
    message: String,
    /// The value of `Retry-After`, in whole seconds.
    retry_after: Option<u64>,
    /// The value of `WWW-Authenticate`, as section 3 of RFC 6750 defines it.
    challenge: Option<&'static str>,
    /// Whether the quota of attempts with invalid keys is exhausted.
    is_over_quota: bool,
    /// Details for the log only.
    log: Option<Box<LogDetails>>,
}

/// Details of an error that are logged and not sent.
#[derive(Debug, Default)]
struct LogDetails {
    /// The id of the key that sent the request.
    key: Option<String>,
    /// The cause of the failure in the server.
    cause: Option<String>,
}

/// The header of the quota of attempts with invalid keys, by draft-ietf-httpapi-ratelimit-headers-10.
///
/// Clients delay all requests because of it, so the limit of rotations does not send it.
const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

impl ApiError {
    /// Creates an error. Its status determines the headers.
    pub(crate) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        let retry_after = (status == StatusCode::SERVICE_UNAVAILABLE).then_some(1);
        let challenge = match status {
            StatusCode::UNAUTHORIZED => Some("Bearer error=\"invalid_token\""),
            StatusCode::FORBIDDEN => Some("Bearer error=\"insufficient_scope\""),
            _ => None,
        };
        Self {
            status,
            code,
            message: message.into(),
            retry_after,
            challenge,
            is_over_quota: false,
            log: None,
        }
    }

    /// Adds the cause of a failure in the server, which is logged and not sent.
    pub(crate) fn with_cause(mut self, cause: impl Into<String>) -> Self {
        self.log.get_or_insert_default().cause = Some(cause.into());
        self
    }

    /// Adds the id of the key that sent the request, for the log.
    pub(crate) fn with_key(mut self, id: &str) -> Self {
        let log = self.log.get_or_insert_default();
        log.key.get_or_insert_with(|| id.to_owned());
        self
    }

    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    pub(crate) fn code(&self) -> &'static str {
        self.code
    }

    pub(crate) fn key(&self) -> Option<&str> {
        self.log.as_ref()?.key.as_deref()
    }

    /// Returns the reason for the log: the cause in the server, or else the message of the response.
    pub(crate) fn cause(&self) -> &str {
        let cause = self.log.as_ref().and_then(|log| log.cause.as_deref());
        cause.unwrap_or(&self.message)
    }

    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "INVALID_REQUEST", message)
    }

    /// Returns a 401 error for a request that presents an unusable key.
    pub(crate) fn bad_key(message: &str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "UNAUTHENTICATED", message)
    }

    /// Returns a 401 error for a request that presents no key.
    pub(crate) fn no_key(message: &str) -> Self {
        Self {
            challenge: Some("Bearer"),
            ..Self::bad_key(message)
        }
    }

    /// Returns a 401 error that says why a key no longer works. Only requests with the complete key receive it.
    pub(crate) fn ended(key: &KeyRecord, state: KeyState) -> Self {
        let (code, why) = match state {
            KeyState::Revoked => ("KEY_REVOKED", "was revoked; use another".to_owned()),
            KeyState::Replaced => (
                "KEY_REPLACED",
                format!(
                    "was replaced by the key {} and its grace period is over; use the new key",
                    key.replaced_by.as_deref().unwrap_or("(unknown)"),
                ),
            ),
            KeyState::Expired => {
                let end = key
                    .grant
                    .expires
                    .map_or_else(String::new, |end| format!(" at {end:.0}"));
                ("KEY_EXPIRED", format!("expired{end}; use another"))
            }
            KeyState::Active | _ => ("UNAUTHENTICATED", "no longer works".to_owned()),
        };
        let message = format!("the API key {} ({}) {why}", key.id, key.shown);
        Self::new(StatusCode::UNAUTHORIZED, code, message).with_key(&key.id)
    }

    /// Returns a 429 error for an address with too many invalid keys.
    pub(crate) fn too_many_failures(wait: Duration) -> Self {
        let message = "too many failed authentication attempts from this address; use a valid key, which works immediately";
        Self {
            is_over_quota: true,
            ..Self::rate_limited(message, wait)
        }
    }

    /// Returns a 429 error for a rotation beyond the limit per hour.
    pub(crate) fn too_many_rotations(limit: u32, wait: Duration) -> Self {
        let message = format!(
            "the limit of {limit} rotations per key and hour is reached; use the newest key, or retry later"
        );
        Self::rate_limited(message, wait)
    }

    fn rate_limited(message: impl Into<String>, wait: Duration) -> Self {
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
        let message = "the body is larger than 16 MiB after decompression or in its stored form; send smaller requests";
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "TOO_LARGE", message)
    }

    /// Returns a 413 error for a request that cannot succeed even if no other request runs.
    pub(crate) fn too_much_memory() -> Self {
        let message =
            "the request needs more memory than one request may use; send smaller requests";
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "TOO_LARGE", message)
    }

    pub(crate) fn timeout(message: &str) -> Self {
        Self::new(StatusCode::REQUEST_TIMEOUT, "TIMEOUT", message)
    }

    /// Returns a 503 error: other requests with the same key use all memory that one key may use.
    pub(crate) fn busy_key() -> Self {
        Self::unavailable(
            "requests with this key have reached the memory limit per key; retry later",
        )
    }

    /// Returns a 503 error: other requests use all memory of the server.
    pub(crate) fn busy() -> Self {
        Self::unavailable("the server has reached its memory limit; retry later")
    }

    pub(crate) fn unavailable(message: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE", message)
    }

    /// Returns a 500 error without details, which may name files of the server.
    pub(crate) fn internal() -> Self {
        let message = "internal server error; retry later, or check the log of the server";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL", message)
    }

    /// Replaces the message.
    pub(crate) fn with_message(self, message: String) -> Self {
        Self { message, ..self }
    }

    /// Renders the response to an export in protobuf, with a body that OTLP exporters can read.
    pub(crate) fn into_protobuf_response(self, request_id: &str) -> Response<Body> {
        let status = encode_status(self.status, &self.message);
        let mut response = self.into_response(request_id);
        *response.body_mut() = Body::from(status);
        let headers = response.headers_mut();
        headers.remove(CONTENT_LENGTH);
        let kind = HeaderValue::from_static("application/x-protobuf");
        headers.insert(CONTENT_TYPE, kind);
        response
    }

    /// Renders the response with the id of its request.
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
        if let Some(challenge) = self.challenge {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        if let Some(seconds) = self.retry_after {
            headers.insert(RETRY_AFTER, seconds.into());
            if self.is_over_quota {
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

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        let text = error.to_string();
        match error {
            StoreError::Partial { cause, .. } => Self::from(*cause).with_message(text),
            StoreError::Refused(refusal) => refusal.into(),
            StoreError::NotFound(message) => Self::not_found(message),
            StoreError::Ended => Self::new(StatusCode::UNAUTHORIZED, "KEY_REVOKED", text),
            StoreError::TooSlow(message) => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "QUERY_TIMEOUT", message)
            }
            StoreError::DiskFull(Some(cause)) | StoreError::NotCommitted(cause) => {
                Self::unavailable(text).with_cause(cause.log_text())
            }
            StoreError::DiskFull(None)
            | StoreError::Unsaved
            | StoreError::Stopped
            | StoreError::Busy => Self::unavailable(text),
            StoreError::Engine(cause) => {
                let error = match cause.kind() {
                    // Opening succeeds again once connections are closed.
                    EngineErrorKind::CannotOpen => Self::unavailable(
                        "the server cannot open its database at the moment; retry later",
                    ),
                    EngineErrorKind::Disk
                    | EngineErrorKind::Interrupted
                    | EngineErrorKind::Other => Self::internal(),
                };
                error.with_cause(cause.log_text())
            }
            StoreError::Damaged(_)
            | StoreError::Newer
            | StoreError::NoSpace { .. }
            | StoreError::Panicked(_) => Self::internal().with_cause(text),
        }
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Invalid(message) => Self::invalid(message),
            Refusal::Conflict(message) => Self::new(StatusCode::CONFLICT, "CONFLICT", message),
            Refusal::TooLarge(message) => {
                Self::new(StatusCode::PAYLOAD_TOO_LARGE, "TOO_LARGE", message)
            }
            Refusal::Reused => Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "IDEMPOTENCY_KEY_REUSED",
                refusal.to_string(),
            ),
            Refusal::TooManyRotations { limit, wait } => Self::too_many_rotations(limit, wait),
            Refusal::Damaged(_) => Self::internal().with_cause(refusal.to_string()),
        }
    }
}
