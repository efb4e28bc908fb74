//! Error answers: one shape for all routes (see `docs/design/decisions.md#v3`).

use http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use std::time::Duration;

use axum::body::Body;
use hh_api::types::{KeyState, Problem};

use crate::auth::{QUOTA, WINDOW};
use crate::domain::Refusal;
use crate::domain::keys::KeyRecord;
pub(crate) use crate::http::json::{json, json_bytes};
use crate::store::{EngineErrorKind, StoreError};

/// An error answer before it has a request id.
#[derive(Debug)]
pub(crate) struct ApiError {
    status: StatusCode,
    code: &'static str,
    message: String,
    /// Whole seconds until another attempt has a chance.
    retry_after: Option<u64>,
    /// `WWW-Authenticate`, by section 3 of RFC 6750.
    challenge: Option<&'static str>,
    /// The quota of attempts with bad keys is used up.
    is_over_quota: bool,
    /// For the log alone.
    log: Option<Box<LogDetails>>,
}

/// What the log says about an error and the response does not.
#[derive(Debug, Default)]
struct LogDetails {
    /// The id of the key that sent the request.
    key: Option<String>,
    /// What went wrong in the server.
    cause: Option<String>,
}

/// The quota of attempts with bad keys, in the form of draft-ietf-httpapi-ratelimit-headers-10. Clients hold back all
/// requests for it, so the limit of rotations has none.
const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

impl ApiError {
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

    /// Adds what went wrong in the server: the log has it, the response does not.
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

    /// Returns why the request failed, for the log: the cause in the server, or else what the response says.
    pub(crate) fn cause(&self) -> &str {
        let cause = self.log.as_ref().and_then(|log| log.cause.as_deref());
        cause.unwrap_or(&self.message)
    }

    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "INVALID_REQUEST", message)
    }

    /// Refuses a request that presents a key.
    pub(crate) fn bad_key(message: &str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "UNAUTHENTICATED", message)
    }

    /// Refuses a request that presents no key.
    pub(crate) fn no_key(message: &str) -> Self {
        Self {
            challenge: Some("Bearer"),
            ..Self::bad_key(message)
        }
    }

    /// Tells the holder of a whole key why it works no more.
    pub(crate) fn ended(key: &KeyRecord, state: KeyState) -> Self {
        let (code, why) = match state {
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
        Self::new(StatusCode::UNAUTHORIZED, code, message).with_key(&key.id)
    }

    pub(crate) fn too_many_failures(wait: Duration) -> Self {
        let message = "too many requests with keys that are not valid here came from this address; a valid key works at once";
        Self {
            is_over_quota: true,
            ..Self::rate_limited(message, wait)
        }
    }

    /// Refuses a rotation beyond the limit per hour.
    pub(crate) fn too_many_rotations(limit: u32, wait: Duration) -> Self {
        let message = format!(
            "the limit of {limit} rotations of one key within an hour is reached; use the newest key, or try again later"
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
        let message = "the body is larger than 16 MiB, counted after inflation and as it is stored; send less at once";
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "TOO_LARGE", message)
    }

    /// A request that cannot succeed even when nothing else runs.
    pub(crate) fn too_much_memory() -> Self {
        let message = "the request needs more memory than one request may use; send less at once";
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "TOO_LARGE", message)
    }

    pub(crate) fn timeout(message: &str) -> Self {
        Self::new(StatusCode::REQUEST_TIMEOUT, "TIMEOUT", message)
    }

    /// Other requests with the same key use all memory that one key may use.
    pub(crate) fn busy_key() -> Self {
        Self::unavailable(
            "the requests with this key use as much memory as one key may use; try again",
        )
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

    /// Replaces the message.
    pub(crate) fn with_message(self, message: String) -> Self {
        Self { message, ..self }
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
            StoreError::DiskFull | StoreError::Unsaved | StoreError::Stopped | StoreError::Busy => {
                Self::unavailable(text)
            }
            StoreError::Engine(cause) => {
                let error = match cause.kind() {
                    // It works again once connections are closed.
                    EngineErrorKind::CannotOpen => Self::unavailable(
                        "the server cannot open its database at the moment; try again",
                    ),
                    EngineErrorKind::Disk
                    | EngineErrorKind::Interrupted
                    | EngineErrorKind::Other => Self::internal(),
                };
                error.with_cause(cause.log_text())
            }
            StoreError::Damaged(_) | StoreError::Newer | StoreError::Panicked(_) => {
                Self::internal().with_cause(text)
            }
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
