//! A HoneyHive server of a test, in plain HTTP or behind TLS, that answers by the path.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;

use hh_testing::{HttpServer, Request, ServerConfig};

/// What a HoneyHive server says of its health.
pub(super) const WELL: &str =
    "200 OK\r\nContent-Type: application/json\r\n\r\n{\"status\": \"ok\"}";
/// A page of a server that does not tell who a key is for, and takes it.
const NO_EVENTS: &str = "200 OK\r\nContent-Type: application/json\r\n\r\n{\"events\": [], \"totalEvents\": 0, \"count\": 0}";
const ABSENT: &str = "404 Not Found\r\n\r\n";

/// It runs until it is dropped.
pub(super) struct Site(HttpServer);

impl Site {
    /// Answers each path; an answer is a status line with header lines, and a body behind a blank line.
    pub(super) fn new(route: impl Fn(&str) -> String + Send + 'static) -> Self {
        Self(HttpServer::with(move |request| route(request.path())))
    }

    /// A server that is well.
    pub(super) fn well() -> Self {
        Self::with_health(WELL)
    }

    /// A server that takes every key and says this of its health.
    pub(super) fn with_health(health: &str) -> Self {
        let health = health.to_owned();
        Self::new(move |path| route(path, &health))
    }

    /// A server that answers this to every request with a key.
    pub(super) fn with_keys(answer: &str) -> Self {
        let answer = answer.to_owned();
        Self::new(move |path| match path {
            "/api/v1/health" => WELL.to_owned(),
            _ => answer.clone(),
        })
    }

    /// A server that is well, behind TLS.
    pub(super) fn tls(config: Arc<ServerConfig>) -> Self {
        let route = |request: &Request| route(request.path(), WELL);
        Self(HttpServer::with_tls(config, route))
    }

    /// The host and port, by the name that its certificates are for.
    pub(super) fn host(&self) -> String {
        format!("localhost:{}", self.port())
    }

    pub(super) fn port(&self) -> u16 {
        self.0.address().port()
    }

    pub(super) fn url(&self) -> String {
        self.0.url().replace("127.0.0.1", "localhost")
    }

    /// The heads of the requests so far.
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

/// A port whose connections get no answer at all, as behind a firewall that drops them.
pub(super) struct FilteredPort {
    pub(super) address: SocketAddr,
    _listener: TcpListener,
    _waiting: Vec<TcpStream>,
}

impl FilteredPort {
    pub(super) fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        rustix::net::listen(&listener, 0).unwrap();
        let address = listener.local_addr().unwrap();
        // The one place of the queue is taken, and then all further ones are dropped.
        let short = std::time::Duration::from_millis(200);
        let connect = || TcpStream::connect_timeout(&address, short).ok();
        let waiting = std::iter::from_fn(connect).take(16).collect();
        Self {
            address,
            _listener: listener,
            _waiting: waiting,
        }
    }
}
