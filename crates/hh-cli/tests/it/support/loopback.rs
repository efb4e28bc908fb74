use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread::JoinHandle;

/// An empty page, whatever list was asked for.
const ANSWER: &str = r#"{"projects": [], "events": [], "totalEvents": 0, "count": 0}"#;
/// The request with which the test itself ends it.
const END: &str = "END / HTTP/1.1";

/// A server of the test's own that keeps every request.
pub(crate) struct Loopback {
    address: SocketAddr,
    thread: JoinHandle<Vec<Request>>,
}

/// What reached the server: the lines before the body, and the body.
#[derive(Debug)]
pub(crate) struct Request {
    head: Vec<String>,
    pub(crate) body: String,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.iter().find_map(|line| {
            let (other, value) = line.split_once(':')?;
            other.eq_ignore_ascii_case(name).then_some(value.trim())
        })
    }

    fn is_for(&self, path: &str) -> bool {
        let line = self.head.first();
        line.and_then(|line| line.split(' ').nth(1)) == Some(path)
    }

    /// Whether it exports spans.
    pub(crate) fn is_export(&self) -> bool {
        self.is_for("/opentelemetry/v1/traces")
    }

    /// The API key that it carried.
    pub(crate) fn key(&self) -> Option<&str> {
        self.header("authorization")?.strip_prefix("Bearer ")
    }
}

impl Loopback {
    pub(crate) fn start() -> Self {
        Self::answering([])
    }

    /// Gives these answers, each a status line with header lines and a body behind a blank line, in order, and then the
    /// usual ones.
    pub(crate) fn answering<const N: usize>(answers: [&str; N]) -> Self {
        let mut answers = answers.map(str::to_owned).into_iter();
        Self::with(move |request| answers.next().unwrap_or_else(|| usual(request)))
    }

    /// Gives the same answer to everything.
    pub(crate) fn always(answer: &str) -> Self {
        let answer = answer.to_owned();
        Self::with(move |_| answer.clone())
    }

    /// Answers as the function says, which may take its time.
    pub(crate) fn with(answer: impl FnMut(&Request) -> String + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        Self {
            address: listener.local_addr().unwrap(),
            thread: std::thread::spawn(move || serve(&listener, answer)),
        }
    }

    pub(crate) fn host(&self) -> String {
        self.address.to_string()
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Ends it and returns what came, connections without a request included: they are accepted in the order of coming.
    pub(crate) fn requests(self) -> Vec<Request> {
        let mut stream = TcpStream::connect(self.address).unwrap();
        write!(stream, "{END}\r\n\r\n").unwrap();
        self.thread.join().unwrap()
    }

    /// Ends it and returns the one request that came.
    pub(crate) fn request(self) -> Request {
        let mut requests = self.requests();
        assert_eq!(requests.len(), 1, "{requests:?}");
        requests.remove(0)
    }

    /// Ends it and fails if anything came.
    pub(crate) fn assert_untouched(self, why: &str) {
        let requests = self.requests();
        assert!(requests.is_empty(), "{why}: {requests:?}");
    }
}

/// What a server would answer that has nothing yet. The id of a key is made of its last characters.
pub(crate) fn usual(request: &Request) -> String {
    let ok = "200 OK\r\nContent-Type: application/json\r\n\r\n";
    if !request.is_for("/v1/auth/whoami") {
        return format!("{ok}{ANSWER}");
    }
    let id = request.key().map_or("none", |key| &key[key.len() - 6..]);
    let owner = r#"{"type": "user", "name": "me@example.com"}"#;
    format!(
        r#"{ok}{{"principal": {owner}, "organization": "Mine", "permissions": "Admin", "key": {{"id": "id{id}", "name": "k",
        "shown": "hh_***", "level": "admin", "projects": "all", "owner": {owner}, "state": "active",
        "created_at": "2026-01-01T00:00:00Z"}}}}"#
    )
}

fn serve(listener: &TcpListener, mut answer: impl FnMut(&Request) -> String) -> Vec<Request> {
    let mut seen = Vec::new();
    loop {
        let (stream, _) = listener.accept().unwrap();
        let request = read(&stream);
        if request.head.first().is_some_and(|line| line == END) {
            return seen;
        }
        let answer = whole(&answer(&request));
        seen.push(request);
        // Whoever asked may have gone.
        drop((&stream).write_all(answer.as_bytes()));
    }
}

fn read(stream: &TcpStream) -> Request {
    let mut reader = BufReader::new(stream);
    let mut request = Request {
        head: Vec::new(),
        body: String::new(),
    };
    loop {
        let mut line = String::new();
        let count = reader.read_line(&mut line).unwrap_or_default();
        if count == 0 || line == "\r\n" {
            break;
        }
        request.head.push(line.trim_end().to_owned());
    }
    let length = request.header("content-length");
    let length = length.map_or(0, |length| length.parse().unwrap());
    let mut body = Vec::new();
    // Whoever asked may have been killed.
    drop(reader.take(length).read_to_end(&mut body));
    request.body = String::from_utf8_lossy(&body).into_owned();
    request
}

/// Adds to an answer what every one has.
fn whole(answer: &str) -> String {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((answer, ""));
    let length = body.len();
    format!("HTTP/1.1 {head}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}")
}
