//! A HoneyHive server for tests, with or without TLS, whose response depends on the path.

use std::sync::Arc;

use hh_testing::{HttpServer, Request, ServerConfig};

/// The health response of a healthy server.
pub(super) const WELL: &str =
    "200 OK\r\nContent-Type: application/json\r\n\r\n{\"status\": \"ok\"}";
/// A page of a server that does not report the owner of a key and accepts it.
const NO_EVENTS: &str = "200 OK\r\nContent-Type: application/json\r\n\r\n{\"events\": [], \"totalEvents\": 0, \"count\": 0}";
const ABSENT: &str = "404 Not Found\r\n\r\n";

/// A server that runs until it is dropped.
pub(super) struct Site(HttpServer);

impl Site {
    /// Creates a server. `route` returns the status line, header lines, a blank line and the body for a path.
    pub(super) fn new(route: impl Fn(&str) -> String + Send + 'static) -> Self {
        Self(HttpServer::with(move |request| route(request.path())))
    }

    /// Creates a healthy server at an address.
    pub(super) fn at(address: &str) -> Self {
        Self(HttpServer::at(address, |request| {
            route(request.path(), WELL)
        }))
    }

    /// Creates a healthy server.
    pub(super) fn well() -> Self {
        Self::with_health(WELL)
    }

    /// Creates a server that accepts every key and returns this health response.
    pub(super) fn with_health(health: &str) -> Self {
        let health = health.to_owned();
        Self::new(move |path| route(path, &health))
    }

    /// Creates a server that returns this response to every request with a key.
    pub(super) fn with_keys(answer: &str) -> Self {
        let answer = answer.to_owned();
        Self::new(move |path| match path {
            "/api/v1/health" => WELL.to_owned(),
            _ => answer.clone(),
        })
    }

    /// Creates a healthy server with TLS.
    pub(super) fn tls(config: Arc<ServerConfig>) -> Self {
        let route = |request: &Request| route(request.path(), WELL);
        Self(HttpServer::with_tls(config, route))
    }

    /// Returns the host and port, with the name in its certificates.
    pub(super) fn host(&self) -> String {
        format!("localhost:{}", self.port())
    }

    pub(super) fn port(&self) -> u16 {
        self.0.address().port()
    }

    pub(super) fn url(&self) -> String {
        self.0.url().replace("127.0.0.1", "localhost")
    }

    /// Returns the heads of all requests.
    pub(super) fn requests(&self) -> Vec<String> {
        self.0.requests().iter().map(Request::head).collect()
    }
}

fn route(path: &str, health: &str) -> String {
    match path {
        "/api/v1/health" => health.to_owned(),
        "/v1/events/export" => NO_EVENTS.to_owned(),
        _ => ABSENT.to_owned(),
    }
}
