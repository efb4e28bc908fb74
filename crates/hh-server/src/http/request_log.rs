//! The lines of the log about requests.
//!
//! A line names the key by its id, and the path as it is in the table of operations: neither holds a secret.

use std::time::Duration;

use http::Method;

use crate::http::error::ApiError;

/// What a line says about a request, whatever came of it.
pub(crate) struct RequestLog<'a> {
    pub(crate) request_id: &'a str,
    pub(crate) method: &'a Method,
    /// The path of the route, with names in place of values; `None` for a path that is no route.
    pub(crate) path: Option<&'static str>,
}

impl RequestLog<'_> {
    /// Logs that a request failed: as an error if the server is the cause, else as information.
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

    /// Logs that a request succeeded.
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
