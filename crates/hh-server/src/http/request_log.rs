//! Writes log lines about requests.
//!
//! A line contains the id of the key and the path from the table of operations. Neither contains a secret.

use std::time::Duration;

use http::Method;

use crate::http::error::ApiError;

/// The fields that a log line has for every request.
pub(crate) struct RequestLog<'a> {
    pub(crate) request_id: &'a str,
    pub(crate) method: &'a Method,
    /// The path of the route, with names instead of values; `None` for a path that is not a route.
    pub(crate) path: Option<&'static str>,
}

impl RequestLog<'_> {
    /// Logs a failed request: as an error if the server is the cause, and as information otherwise.
    pub(crate) fn failed(&self, error: &ApiError) {
        macro_rules! line {
            ($level:ident) => {
                tracing::$level!(
                    request_id = self.request_id,
                    status = error.status().as_u16(),
                    method = self.method.as_str(),
                    path = self.path,
                    key = error.key(),
                    code = error.code(),
                    cause = error.cause(),
                    "request failed"
                )
            };
        }
        if error.status().is_server_error() {
            line!(error);
        } else {
            line!(info);
        }
    }

    /// Logs a successful request.
    pub(crate) fn succeeded(&self, status: u16, key: Option<&str>, took: Duration) {
        tracing::info!(
            request_id = self.request_id,
            status,
            method = self.method.as_str(),
            path = self.path,
            key,
            milliseconds = u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            "request"
        );
    }
}
