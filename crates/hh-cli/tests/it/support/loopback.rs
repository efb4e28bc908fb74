use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread::JoinHandle;

/// An empty page, whatever was asked for.
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

    /// The API key that it carried.
    pub(crate) fn key(&self) -> Option<&str> {
        self.header("authorization")?.strip_prefix("Bearer ")
    }
}

impl Loopback {
    pub(crate) fn start() -> Self {
        Self::answering([])
    }

    /// Gives these answers, each a status line with header lines and a body behind a blank line, in order, and then empty
    /// pages.
    pub(crate) fn answering<const N: usize>(answers: [&str; N]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let answers = answers.map(whole);
        let last = whole(&format!(
            "200 OK\r\nContent-Type: application/json\r\n\r\n{ANSWER}"
        ));
        Self {
            address: listener.local_addr().unwrap(),
            thread: std::thread::spawn(move || serve(&listener, &answers, &last)),
        }
    }

    /// Gives the same answer to everything.
    pub(crate) fn always(answer: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let answer = whole(answer);
        Self {
            address: listener.local_addr().unwrap(),
            thread: std::thread::spawn(move || serve(&listener, &[], &answer)),
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

fn serve(listener: &TcpListener, answers: &[String], last: &str) -> Vec<Request> {
    let mut seen = Vec::new();
    loop {
        let (stream, _) = listener.accept().unwrap();
        let request = read(&stream);
        if request.head.first().is_some_and(|line| line == END) {
            return seen;
        }
        let answer = answers.get(seen.len()).map_or(last, String::as_str);
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
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    request.body = String::from_utf8(body).unwrap();
    request
}

/// Adds to an answer what every one has.
fn whole(answer: &str) -> String {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((answer, ""));
    let length = body.len();
    format!("HTTP/1.1 {head}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}")
}
