//! A proxy between client and server with high latency and low bandwidth, which resets connections.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, sleep_until};

const DELAY: Duration = Duration::from_millis(200);
/// 64 kbit/s.
const BYTES_A_SECOND: f64 = 8_000.0;
/// One of this number of connections is reset: 5 %.
const RESET_ONE_OF: usize = 20;
/// The byte at which the first of them is reset, inside the head of its first request. The others are reset after the
/// server has the whole request and before the client gets the response.
const RESET_AFTER: usize = 150;

/// The time when one direction of the line, which all connections share, is free again.
type Line = Arc<tokio::sync::Mutex<()>>;

pub(crate) struct SlowProxy {
    pub(crate) url: String,
    resets: Arc<AtomicUsize>,
}

impl SlowProxy {
    pub(crate) async fn start(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let resets = Arc::new(AtomicUsize::new(0));
        let server = server.trim_start_matches("http://").to_owned();
        tokio::spawn(serve(listener, server, Arc::clone(&resets)));
        Self { url, resets }
    }

    pub(crate) fn resets(&self) -> usize {
        self.resets.load(Ordering::Relaxed)
    }
}

async fn serve(listener: TcpListener, server: String, resets: Arc<AtomicUsize>) {
    let (up, down) = (Line::default(), Line::default());
    for number in 0_usize.. {
        let (client, _) = listener.accept().await.unwrap();
        let server = TcpStream::connect(&server).await.unwrap();
        if number.is_multiple_of(RESET_ONE_OF) {
            resets.fetch_add(1, Ordering::Relaxed);
            if number == 0 {
                tokio::spawn(reset_within(client, server));
            } else {
                tokio::spawn(reset_behind(client, server));
            }
        } else {
            let (from_client, to_client) = client.into_split();
            let (from_server, to_server) = server.into_split();
            tokio::spawn(carry(from_client, to_server, Arc::clone(&up)));
            tokio::spawn(carry(from_server, to_client, Arc::clone(&down)));
        }
    }
}

/// Forwards the first bytes and resets both connections.
async fn reset_within(mut client: TcpStream, mut server: TcpStream) {
    let mut beginning = [0; RESET_AFTER];
    if client.read_exact(&mut beginning).await.is_ok() {
        server.write_all(&beginning).await.unwrap();
    }
    client.set_zero_linger().unwrap();
    server.set_zero_linger().unwrap();
}

/// Forwards the request, waits for the response, and then resets the connection to the client.
async fn reset_behind(mut client: TcpStream, mut server: TcpStream) {
    let (mut from_client, mut to_client) = client.split();
    let (mut from_server, mut to_server) = server.split();
    let mut answer = [0];
    tokio::select! {
        _ = tokio::io::copy(&mut from_client, &mut to_server) => {}
        _ = from_server.read(&mut answer) => {}
    }
    to_client.flush().await.unwrap();
    client.set_zero_linger().unwrap();
}

/// Forwards bytes with the latency and the bandwidth of the line.
async fn carry(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, line: Line) {
    let (sender, mut parts) = mpsc::channel::<(Instant, Vec<u8>)>(64);
    tokio::spawn(async move {
        let mut buffer = [0; 800];
        while let Ok(count @ 1..) = from.read(&mut buffer).await {
            let due = Instant::now() + DELAY;
            if sender.send((due, buffer[..count].to_vec())).await.is_err() {
                break;
            }
        }
    });
    while let Some((due, part)) = parts.recv().await {
        sleep_until(due).await;
        let length = f64::from(u32::try_from(part.len()).unwrap());
        let _line = line.lock().await;
        sleep(Duration::from_secs_f64(length / BYTES_A_SECOND)).await;
        if to.write_all(&part).await.is_err() {
            break;
        }
    }
}
