//! A small server that responds from a script and stores the requests.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};

pub(crate) struct Scripted {
    pub(crate) url: String,
    requests: Receiver<Request>,
}

/// A request: the lines of its head, and its raw body.
#[derive(Debug)]
pub(crate) struct Request {
    head: Vec<String>,
    pub(crate) body: Vec<u8>,
}

impl Request {
    pub(crate) fn path(&self) -> &str {
        self.head[0].split(' ').nth(1).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.iter().find_map(|line| {
            let (other, value) = line.split_once(':')?;
            other.eq_ignore_ascii_case(name).then_some(value.trim())
        })
    }

    /// Returns the decompressed body.
    pub(crate) fn plain(&self) -> Vec<u8> {
        if self.header("content-encoding") != Some("gzip") {
            return self.body.clone();
        }
        let mut plain = Vec::new();
        let mut decoder = flate2::read::GzDecoder::new(&self.body[..]);
        decoder.read_to_end(&mut plain).unwrap();
        plain
    }
}

impl Scripted {
    /// Starts a server that responds to each request with the result of `answer`: a status line without the protocol,
    /// and a body.
    pub(crate) fn start(
        answer: impl Fn(&Request) -> (&'static str, Vec<u8>) + Send + 'static,
    ) -> Self {
        Self::start_at("127.0.0.1:0", answer)
    }

    /// Starts a server like [`Scripted::start`] at an address. For an empty status line, it closes the connection.
    pub(crate) fn start_at(
        address: &str,
        answer: impl Fn(&Request) -> (&'static str, Vec<u8>) + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (sender, requests) = channel();
        std::thread::spawn(move || {
            // Exits when the receiver of the requests is dropped.
            while let Ok((mut stream, _)) = listener.accept() {
                let request = read(&stream);
                let (status, body) = answer(&request);
                let head = format!(
                    "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                    body.len()
                );
                // Sent before the response, so that a test that has the response also has the request.
                let is_wanted = sender.send(request).is_ok();
                if status.is_empty() {
                    continue;
                }
                drop(stream.write_all(&[head.as_bytes(), &body].concat()));
                if !is_wanted {
                    break;
                }
            }
        });
        Self { url, requests }
    }

    /// Returns the requests since the last call.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.try_iter().collect()
    }
}

fn read(stream: &TcpStream) -> Request {
    let mut reader = BufReader::new(stream);
    let mut request = Request {
        head: Vec::new(),
        body: Vec::new(),
    };
    loop {
        let mut line = String::new();
        let count = reader.read_line(&mut line).unwrap();
        if count == 0 || line == "\r\n" {
            break;
        }
        request.head.push(line.trim_end().to_owned());
    }
    let length = request.header("content-length");
    request.body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
    reader.read_exact(&mut request.body).unwrap();
    request
}
