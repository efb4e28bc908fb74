use hh_testing::{HttpServer, Request};

/// An empty page, for any list.
const ANSWER: &str = r#"{"projects": [], "events": [], "totalEvents": 0, "count": 0}"#;

/// A server that responds as HoneyHive does and records every request.
pub(crate) struct Loopback(HttpServer);

impl Loopback {
    pub(crate) fn start() -> Self {
        Self::with(usual)
    }

    /// Starts a server that sends these responses in order, and then the usual ones. Each is a status line with header
    /// lines, an empty line and a body.
    pub(crate) fn answering<const N: usize>(answers: [&str; N]) -> Self {
        let mut answers = answers.map(str::to_owned).into_iter();
        Self::with(move |request| answers.next().unwrap_or_else(|| usual(request)))
    }

    /// Starts a server that sends the same response to every request.
    pub(crate) fn always(answer: &str) -> Self {
        let answer = answer.to_owned();
        Self::with(move |_| answer.clone())
    }

    /// Starts a server that responds with the result of the function, which may block.
    pub(crate) fn with(answer: impl FnMut(&Request) -> String + Send + 'static) -> Self {
        Self(HttpServer::with(answer))
    }

    pub(crate) fn host(&self) -> String {
        self.0.host().to_owned()
    }

    pub(crate) fn url(&self) -> String {
        self.0.url().to_owned()
    }

    /// Stops the server and returns the requests, with an empty one for each connection without a request.
    pub(crate) fn requests(mut self) -> Vec<Request> {
        self.0.stop();
        let mut requests = self.0.take_requests();
        requests.resize_with(self.0.connections(), Request::default);
        requests
    }

    /// Stops the server and returns its only request.
    pub(crate) fn request(self) -> Request {
        let mut requests = self.requests();
        assert_eq!(requests.len(), 1, "{requests:?}");
        requests.remove(0)
    }

    /// Stops the server and fails if it received anything.
    pub(crate) fn assert_untouched(self, why: &str) {
        let requests = self.requests();
        assert!(requests.is_empty(), "{why}: {requests:?}");
    }
}

/// Returns the response of a server without data. The id of a key consists of its last characters.
pub(crate) fn usual(request: &Request) -> String {
    let ok = "200 OK\r\nContent-Type: application/json\r\n\r\n";
    if request.path() != "/v1/auth/whoami" {
        return format!("{ok}{ANSWER}");
    }
    let id = request.bearer().map_or("none", |key| &key[key.len() - 6..]);
    let owner = r#"{"type": "user", "name": "me@example.com"}"#;
    format!(
        r#"{ok}{{"principal": {owner}, "organization": "Mine", "permissions": "Admin", "key": {{"id": "id{id}", "name": "k",
        "shown": "hh_***", "level": "admin", "projects": "all", "owner": {owner}, "state": "active",
        "created_at": "2026-01-01T00:00:00Z"}}}}"#
    )
}
