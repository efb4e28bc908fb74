//! A gate in front of a server that stops at one request, before the server receives it or before the response.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::mpsc::{Receiver, Sender, channel};

use hh_testing::{HttpServer, Reply};

/// The request at which the gate stops; requests are counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// The server does not receive the request.
    Before(usize),
    /// The server receives the request, and the response is never sent.
    After(usize),
    /// The response is sent when the test permits it.
    Until(usize),
}

impl Stop {
    fn number(self) -> usize {
        match self {
            Self::Before(number) | Self::After(number) | Self::Until(number) => number,
        }
    }
}

pub(super) struct Gate {
    pub(super) url: String,
    plan: Sender<Stop>,
    reached: Receiver<()>,
    go: Sender<()>,
    _server: HttpServer,
}

impl Gate {
    pub(super) fn before(server: &str) -> Self {
        let server = server.trim_start_matches("http://").to_owned();
        let (plan, plans) = channel();
        let (reach, reached) = channel();
        let (go, gone) = channel();
        let mut stop: Option<Stop> = None;
        let mut count = 0;
        let gate = HttpServer::with(move |request| {
            if let Ok(next) = plans.try_recv() {
                (stop, count) = (Some(next), 0);
            }
            count += 1;
            let here = stop.take_if(|stop| stop.number() == count);
            // The connection stays open without a response: closing it would inform the client.
            if matches!(here, Some(Stop::Before(_))) {
                reach.send(()).unwrap();
                return Reply::Silence;
            }
            let mut to_server = TcpStream::connect(&server).unwrap();
            to_server.write_all(&request.bytes()).unwrap();
            let answer = answer(&to_server);
            if here.is_some() {
                reach.send(()).unwrap();
            }
            match here {
                Some(Stop::After(_)) => return Reply::Silence,
                Some(Stop::Until(_)) => gone.recv().unwrap(),
                Some(Stop::Before(_)) | None => {}
            }
            Reply::Keep(answer)
        });
        Self {
            url: gate.url().to_owned(),
            plan,
            reached,
            go,
            _server: gate,
        }
    }

    pub(super) fn plan(&self, stop: Stop) {
        self.plan.send(stop).unwrap();
    }

    pub(super) fn wait(&self) {
        self.reached.recv().unwrap();
    }

    pub(super) fn go_on(&self) {
        self.go.send(()).unwrap();
    }
}

/// Reads a response of the length that its head declares.
fn answer(stream: &TcpStream) -> Vec<u8> {
    let mut reader = BufReader::new(stream);
    let mut bytes = Vec::new();
    let mut length = 0;
    while !bytes.ends_with(b"\r\n\r\n") {
        let mut line = String::new();
        assert!(
            reader.read_line(&mut line).unwrap() > 0,
            "the response head is incomplete"
        );
        bytes.extend_from_slice(line.as_bytes());
        let lower = line.to_ascii_lowercase();
        if let Some(value) = lower.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    bytes.extend_from_slice(&body);
    bytes
}
