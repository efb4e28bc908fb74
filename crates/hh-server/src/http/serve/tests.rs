use std::net::SocketAddr;
use std::time::Instant;

use axum::body::{Body, to_bytes};
use http::{Response, StatusCode};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpSocket;
use tokio::sync::{Semaphore, oneshot};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::*;

/// A server whose requests to `/wait` wait until they are released.
struct Limited {
    address: SocketAddr,
    released: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
    running: JoinHandle<()>,
    _stop: oneshot::Sender<()>,
}

impl Drop for Limited {
    fn drop(&mut self) {
        self.running.abort();
    }
}

async fn start(total: usize, silent_per_address: usize) -> Limited {
    let listener = TcpListener::bind(("0.0.0.0", 0)).await.unwrap();
    let address = ([127, 0, 0, 1], listener.local_addr().unwrap().port()).into();
    let released = Arc::new(Semaphore::new(0));
    let waiting = Arc::new(Semaphore::new(0));
    let (release, wait) = (Arc::clone(&released), Arc::clone(&waiting));
    let handler = move |request: Request<Body>| async move {
        match request.uri().path() {
            "/wait" => {
                to_bytes(request.into_body(), usize::MAX).await.unwrap();
                wait.add_permits(1);
                release.acquire().await.unwrap().forget();
                Response::new(Body::empty())
            }
            "/large" => Response::new(Body::from(vec![b'x'; 8 * 1024 * 1024])),
            _ => {
                let read = to_bytes(request.into_body(), usize::MAX).await;
                let mut response = Response::new(Body::empty());
                if read.is_err() {
                    *response.status_mut() = StatusCode::BAD_REQUEST;
                }
                response
            }
        }
    };
    let (stop, stopped) = oneshot::channel();
    let limits = ConnectionLimits {
        total,
        silent_per_address,
    };
    let running = tokio::spawn(async move {
        let router = Router::new().fallback(handler);
        let stop = async move { drop(stopped.await) };
        serve(listener, router, &Threads::default(), limits, stop).await;
    });
    Limited {
        address,
        released,
        waiting,
        running,
        _stop: stop,
    }
}

impl Limited {
    /// Connects from an address of this machine.
    async fn connect(&self, last: u8) -> TcpStream {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4096).unwrap();
        socket.bind(([127, 0, 0, last], 0).into()).unwrap();
        timeout(PATIENCE, socket.connect(self.address))
            .await
            .unwrap()
            .unwrap()
    }

    /// Connects and sends bytes.
    async fn send(&self, last: u8, bytes: &[u8]) -> TcpStream {
        let mut stream = self.connect(last).await;
        stream.write_all(bytes).await.unwrap();
        stream
    }

    /// Sends a request that waits, and returns when the server works on it.
    async fn busy(&self, last: u8) -> TcpStream {
        let stream = self
            .send(last, b"GET /wait HTTP/1.1\r\nhost: x\r\n\r\n")
            .await;
        self.work_begins().await;
        stream
    }

    /// Waits until the server works on one more request to `/wait`.
    async fn work_begins(&self) {
        timeout(PATIENCE, self.waiting.acquire())
            .await
            .unwrap()
            .unwrap()
            .forget();
    }

    /// Is served on a connection of its own, well before silent connections end on their own.
    async fn is_served(&self, last: u8) {
        let mut stream = self.send(last, ONE).await;
        answered(&mut stream).await;
    }

    /// Returns connections that wait for a request, in each of the ways, the oldest first.
    async fn silent(&self, last: u8, count: usize) -> Vec<TcpStream> {
        let mut all = Vec::new();
        for number in 0..count {
            let mut stream = self.connect(last).await;
            match number % 3 {
                0 => {}
                1 => stream.write_all(b"GET / HTTP/1.1\r\nho").await.unwrap(),
                _ => {
                    stream.write_all(ONE).await.unwrap();
                    answered(&mut stream).await;
                }
            }
            all.push(stream);
        }
        all
    }
}

const ONE: &[u8] = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n";
/// Less than the time after which the server closes a silent connection anyway.
const PATIENCE: Duration = Duration::from_secs(5);

async fn answered(stream: &mut TcpStream) {
    let mut line = [0; 12];
    timeout(PATIENCE, stream.read_exact(&mut line))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(&line, b"HTTP/1.1 200");
    let mut rest = Vec::new();
    while !rest.ends_with(b"\r\n\r\n") {
        rest.push(stream.read_u8().await.unwrap());
    }
}

fn is_open(stream: &TcpStream) -> bool {
    let read = stream.try_read(&mut [0]);
    read.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock)
}

async fn is_closed(stream: &mut TcpStream) {
    let read = timeout(PATIENCE, stream.read(&mut [0])).await.unwrap();
    assert!(matches!(read, Ok(0) | Err(_)), "{read:?}");
}

#[tokio::test]
async fn the_oldest_silent_connection_of_an_address_is_closed_for_a_new_one() {
    let server = start(100, 9).await;
    let mut others = server.silent(2, 9).await;
    let mut silent = server.silent(1, 9).await;
    for number in 0..9 {
        // It is closed again afterwards, so each of these needs one place.
        let mut new = server.connect(1).await;
        is_closed(&mut silent[number]).await;
        assert!(silent[number + 1..].iter().all(is_open), "after {number}");
        new.write_all(ONE).await.unwrap();
        answered(&mut new).await;
        silent.push(new);
    }
    assert!(
        others.iter().all(is_open),
        "another address has its own limit"
    );
    server.is_served(2).await;
    is_closed(&mut others[0]).await;
}

#[tokio::test]
async fn bytes_of_a_head_do_not_keep_a_connection_open() {
    let server = start(100, 4).await;
    let mut dripping = server.send(1, b"G").await;
    let _younger = server.silent(1, 3).await;
    for byte in b"ET / HTTP/1.1\r\n" {
        dripping.write_all(&[*byte]).await.unwrap();
        server.is_served(2).await;
    }
    server.is_served(1).await;
    is_closed(&mut dripping).await;
}

#[tokio::test]
async fn busy_connections_of_one_address_are_not_closed() {
    let server = start(100, 4).await;
    let mut busy = Vec::new();
    for _ in 0..20 {
        busy.push(server.busy(1).await);
    }
    let mut silent = server.silent(1, 12).await;
    for _ in 0..20 {
        server.is_served(1).await;
    }
    for closed in &mut silent[..8] {
        is_closed(closed).await;
    }
    assert!(busy.iter().all(is_open));
    server.released.add_permits(20);
    for stream in &mut busy {
        answered(stream).await;
    }
}

#[tokio::test]
async fn the_oldest_silent_connection_is_closed_when_all_slots_are_used() {
    let server = start(20, 15).await;
    let mut silent = Vec::new();
    for round in 0..4 {
        for address in 1..=2 {
            silent.append(&mut server.silent(address, 2).await);
        }
        assert_eq!(silent.len(), 4 * (round + 1));
    }
    let busy = server.busy(3).await;
    silent.append(&mut server.silent(3, 3).await);
    for number in 0..10 {
        let mut new = server.connect(4).await;
        is_closed(&mut silent[number]).await;
        assert!(silent[number + 1..].iter().all(is_open), "after {number}");
        new.write_all(ONE).await.unwrap();
        answered(&mut new).await;
        silent.push(new);
    }
    assert!(is_open(&busy));
}

#[tokio::test]
async fn a_client_waits_while_every_place_is_busy() {
    let server = start(4, 4).await;
    let mut busy = Vec::new();
    for _ in 0..4 {
        busy.push(server.busy(1).await);
    }
    let mut fifth = server.send(2, ONE).await;
    let early = timeout(Duration::from_millis(500), fifth.read_u8()).await;
    assert!(early.is_err(), "it has no place yet");
    assert!(busy.iter().all(is_open));
    server.released.add_permits(1);
    answered(&mut fifth).await;
}

#[tokio::test]
async fn a_request_that_was_received_completely_is_never_closed_for_a_new_connection() {
    let requests: [&[&[u8]]; 5] = [
        &[b"GET /wait HTTP/1.1\r\nhost: x\r\n\r\n"],
        &[b"GET /wait HTTP/1.1\r\nhost", b": x\r\n\r\n"],
        &[b"POST /wait HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\nabc"],
        &[
            b"POST /wait HTTP/1.1\r\nhost: x\r\ncontent-length: 6\r\n\r\nabc",
            b"def",
        ],
        &[
            b"POST /wait HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n",
            b"0\r\n\r\n",
        ],
    ];
    let server = start(requests.len(), 10).await;
    let mut busy = Vec::new();
    for parts in requests {
        let mut stream = server.connect(1).await;
        for part in parts {
            stream.write_all(part).await.unwrap();
            // The parts must not arrive together.
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        server.work_begins().await;
        busy.push(stream);
    }
    let mut new = server.send(2, ONE).await;
    // Longer than a client may stall.
    let early = timeout(Duration::from_millis(1500), new.read_u8()).await;
    assert!(early.is_err(), "it has no place yet");
    assert!(busy.iter().all(is_open));
    server.released.add_permits(busy.len());
    for stream in &mut busy {
        answered(stream).await;
    }
    answered(&mut new).await;
}

#[tokio::test]
async fn clients_that_stall_within_a_request_are_closed_when_all_slots_are_used() {
    let upload = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 100000\r\n\r\nx";
    for stalled in [&b"GET /large HTTP/1.1\r\nhost: x\r\n\r\n"[..], upload] {
        let server = start(4, 4).await;
        let mut all = Vec::new();
        for _ in 0..3 {
            all.push(server.send(1, stalled).await);
        }
        let busy = server.busy(1).await;
        let started = Instant::now();
        for _ in 0..3 {
            server.is_served(2).await;
        }
        assert!(started.elapsed() < PATIENCE);
        assert!(is_open(&busy));
        drop(all);
    }
}

#[tokio::test]
async fn a_silent_connection_is_closed_when_it_is_not_replaced_either() {
    let server = start(100, 100).await;
    let started = Instant::now();
    for mut stream in server.silent(1, 3).await {
        let mut rest = Vec::new();
        drop(
            timeout(3 * PATIENCE, stream.read_to_end(&mut rest))
                .await
                .unwrap(),
        );
    }
    assert!(started.elapsed() >= HEAD_DEADLINE);
}
