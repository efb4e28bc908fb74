//! A gate in front of a server that stops at one request: before the server has it, or before the answer comes back.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};

/// Where the gate stops, requests counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// The server never has it.
    Before(usize),
    /// The server has it, and the answer never comes.
    After(usize),
    /// The answer comes when the test says so.
    Until(usize),
}

pub(super) struct Gate {
    pub(super) url: String,
    plan: Sender<Stop>,
    reached: Receiver<()>,
    go: Sender<()>,
}

impl Gate {
    pub(super) fn before(server: &str) -> Self {
        let server = server.trim_start_matches("http://").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (plan, plans) = channel();
        let (reach, reached) = channel();
        let (go, gone) = channel();
        std::thread::spawn(move || {
            let mut held = Vec::new();
            let mut stop: Option<Stop> = None;
            let mut count = 0;
            for client in listener.incoming() {
                let mut client = client.unwrap();
                while let Some(request) = message(&client) {
                    if let Ok(next) = plans.try_recv() {
                        (stop, count) = (Some(next), 0);
                    }
                    count += 1;
                    let is_here = match stop {
                        Some(Stop::Before(at) | Stop::After(at) | Stop::Until(at)) => at == count,
                        None => false,
                    };
                    let stop_here = stop.filter(|_| is_here);
                    if stop_here.is_some() {
                        stop = None;
                    }
                    if matches!(stop_here, Some(Stop::Before(_))) {
                        reach.send(()).unwrap();
                        break;
                    }
                    let mut to_server = TcpStream::connect(&server).unwrap();
                    to_server.write_all(&request).unwrap();
                    let answer = message(&to_server).unwrap();
                    if stop_here.is_some() {
                        reach.send(()).unwrap();
                    }
                    if matches!(stop_here, Some(Stop::After(_))) {
                        break;
                    }
                    if matches!(stop_here, Some(Stop::Until(_))) {
                        gone.recv().unwrap();
                    }
                    if client.write_all(&answer).is_err() {
                        break;
                    }
                }
                // Closed, the connection would tell something.
                held.push(client);
            }
        });
        Self {
            url,
            plan,
            reached,
            go,
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

/// Reads one request or answer, as far as its length says.
fn message(stream: &TcpStream) -> Option<Vec<u8>> {
    let mut reader = BufReader::new(stream);
    let mut bytes = Vec::new();
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        bytes.extend_from_slice(line.as_bytes());
        let lower = line.to_ascii_lowercase();
        if let Some(value) = lower.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if line == "\r\n" {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    bytes.extend_from_slice(&body);
    Some(bytes)
}
