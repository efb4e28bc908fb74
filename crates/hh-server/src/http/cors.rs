//! Cross-origin requests of web pages, which `cors_origins` in `server.yaml` allows.

use std::collections::BTreeSet;

use axum::body::Body;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
    ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};

/// The time for which a browser may cache the response to a preflight request, in seconds.
const MAX_AGE: &str = "3600";
/// The headers of responses that a web page may read.
const EXPOSED: &str = "retry-after, x-request-id";

/// The origins of web pages that may use the server.
#[derive(Debug, Default)]
pub(crate) struct AllowedOrigins(BTreeSet<String>);

impl AllowedOrigins {
    /// Parses a list of origins such as `https://app.example.com`.
    ///
    /// # Errors
    /// The position of the first invalid origin, starting at 1.
    pub(crate) fn parse(origins: Vec<String>) -> Result<Self, usize> {
        if let Some(at) = origins.iter().position(|origin| !is_origin(origin)) {
            return Err(at + 1);
        }
        Ok(Self(origins.into_iter().collect()))
    }

    /// Returns the origin of a request if it is allowed.
    fn of(&self, headers: &HeaderMap) -> Option<HeaderValue> {
        let origin = headers.get(ORIGIN)?;
        self.0
            .contains(origin.to_str().ok()?)
            .then(|| origin.clone())
    }

    /// Returns the response to a preflight request from an allowed origin; `None` for any other request.
    pub(crate) fn preflight(&self, request: &Request<Body>) -> Option<Response<Body>> {
        let headers = request.headers();
        if request.method() != Method::OPTIONS
            || !headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD)
        {
            return None;
        }
        let origin = self.of(headers)?;
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NO_CONTENT;
        let answer = response.headers_mut();
        let methods = HeaderValue::from_static("GET, POST, PUT, PATCH, DELETE");
        answer.insert(ACCESS_CONTROL_ALLOW_METHODS, methods);
        // Exporters send headers of their own. The origin is trusted, so it may send any header.
        if let Some(wanted) = headers.get(ACCESS_CONTROL_REQUEST_HEADERS) {
            answer.insert(ACCESS_CONTROL_ALLOW_HEADERS, wanted.clone());
        }
        answer.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static(MAX_AGE));
        allow(answer, origin);
        Some(response)
    }

    /// Returns the headers that a response to this request needs.
    pub(crate) fn for_request(&self, headers: &HeaderMap) -> CorsHeaders {
        if self.0.is_empty() {
            return CorsHeaders::default();
        }
        CorsHeaders {
            origin: self.of(headers),
            varies: true,
        }
    }
}

/// The headers that allow a web page to read a response.
#[derive(Default)]
pub(crate) struct CorsHeaders {
    origin: Option<HeaderValue>,
    /// Whether other origins get other headers.
    varies: bool,
}

impl CorsHeaders {
    pub(crate) fn apply(self, response: &mut Response<Body>) {
        let headers = response.headers_mut();
        match self.origin {
            Some(origin) => allow(headers, origin),
            None if self.varies => drop(headers.insert(VARY, HeaderValue::from_static("origin"))),
            None => {}
        }
    }
}

fn allow(headers: &mut HeaderMap, origin: HeaderValue) {
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(
        ACCESS_CONTROL_EXPOSE_HEADERS,
        HeaderValue::from_static(EXPOSED),
    );
    headers.insert(VARY, HeaderValue::from_static("origin"));
}

/// Returns whether a text is an origin as browsers send it: a scheme, a host in lower case and an optional port.
fn is_origin(text: &str) -> bool {
    let host = ["https://", "http://"]
        .iter()
        .find_map(|scheme| text.strip_prefix(scheme));
    let is_part = |byte: u8| {
        byte.is_ascii_lowercase()
            || byte.is_ascii_digit()
            || matches!(byte, b'.' | b'-' | b':' | b'[' | b']')
    };
    host.is_some_and(|host| !host.is_empty() && host.bytes().all(is_part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_exact_origins_are_accepted() {
        let parse = |origin: &str| AllowedOrigins::parse(vec![origin.to_owned()]).is_ok();
        for origin in [
            "https://app.example.com",
            "http://localhost:3000",
            "http://[::1]:80",
        ] {
            assert!(parse(origin), "{origin}");
        }
        for origin in [
            "*",
            "null",
            "",
            "app.example.com",
            "https://",
            "https://*.example.com",
            "https://app.example.com/",
            "https://App.example.com",
            "ftp://example.com",
        ] {
            assert!(!parse(origin), "{origin}");
        }
    }
}
