//! Memory that slow clients hold: readers of large pages and senders of large bodies.

use std::time::{Duration, Instant};

use hh_auth::Level;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;

use super::measure::{MIB, memory, reset_peak};
use super::spans::{SESSION, encode, in_session, label};
use super::support::{Client, JSON, PROTOBUF, TRACES, TestServer, within};

const READERS: usize = 100;
const KEYS: usize = 10;
/// Long enough for every reader to ask for its page, and shorter than the time after which a reader is closed.
const ATTACK: Duration = Duration::from_secs(30);

/// Connects with a small receive buffer, so that the response stays with the server.
async fn connect(client: &Client) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    within(socket.connect(client.address())).await.unwrap()
}

/// Requests a page and reads it slowly until the server closes or the time is over; returns the status line.
pub(crate) async fn read_slowly(client: Client, end: Instant) -> String {
    let body = r#"{"filters": [], "limit": 7}"#;
    let length = body.len().to_string();
    let head = client.head(
        "POST",
        "/v1/events/export",
        &[JSON, ("content-length", &length)],
    );
    let mut stream = connect(&client).await;
    stream.write_all(&head).await.unwrap();
    stream.write_all(body.as_bytes()).await.unwrap();
    let mut line = vec![0; 12];
    let deadline = end.into();
    let read = tokio::time::timeout_at(deadline, stream.read_exact(&mut line)).await;
    if !matches!(read, Ok(Ok(_))) {
        return String::new();
    }
    let mut chunk = [0; 2048];
    let mut rate = tokio::time::interval(Duration::from_millis(50));
    while Instant::now() < end {
        rate.tick().await;
        if !matches!(stream.try_read(&mut chunk), Ok(1..) | Err(_)) {
            break;
        }
    }
    String::from_utf8(line).unwrap()
}

/// Stores a page of nearly 8 MiB.
pub(crate) async fn store_page(client: &Client) {
    let text = "x".repeat(MIB + 100_000);
    for number in 1..=7 {
        let mut span = in_session(number, SESSION);
        span.attributes.push(label("honeyhive_inputs.a", &text));
        client.export(&encode(vec![span])).await.assert_ok_empty();
    }
}

/// Shows that the responses which slow readers do not take stay within their budget, and that others are served.
pub(crate) async fn readers_of_large_pages() {
    let server = TestServer::start_on_threads().await;
    let admin = server.admin();
    store_page(&admin).await;
    let mut keys = Vec::new();
    for _ in 0..KEYS {
        keys.push(server.key(Level::ReadOnly, "all").await);
    }
    let other = server.key(Level::ReadWrite, "all").await;
    let small = encode(vec![in_session(100, SESSION)]);
    reset_peak();
    let before = memory("VmRSS:");
    let end = Instant::now() + ATTACK;
    let mut readers = JoinSet::new();
    for number in 0..READERS {
        readers.spawn(read_slowly(keys[number % KEYS].clone(), end));
    }
    let mut rounds = 0;
    while Instant::now() < end {
        other.get("/v1/auth/whoami").await.assert_ok();
        other.export(&small).await.assert_ok_empty();
        rounds += 1;
    }
    let lines = within(readers.join_all()).await;
    let pages = lines.iter().filter(|line| line.ends_with("200")).count();
    let grown = memory("VmHWM:").saturating_sub(before) / 1024;
    println!(
        "{READERS} slow readers of 8 MiB: {pages} were given a page, the peak grew by {grown} MiB, \
         {rounds} rounds of others were served"
    );
    assert!(pages > 0, "no reader was given a page");
    assert!(rounds > 10);
    assert!(grown < 256, "the peak grew by {grown} MiB");
    server.stop().await;
}

/// Shows that bodies which are announced and do not arrive hold no memory.
pub(crate) async fn senders_of_announced_bodies() {
    let server = TestServer::start_on_threads().await;
    let client = server.key(Level::IngestOnly, "all").await;
    client.export(b"").await.assert_ok_empty();
    reset_peak();
    let before = memory("VmRSS:");
    let length = (16 * MIB).to_string();
    let head = client.head("POST", TRACES, &[PROTOBUF, ("content-length", &length)]);
    let mut pending = Vec::new();
    for _ in 0..400 {
        let mut connection = client.connect().await;
        connection.write(&head).await;
        connection.write(b"x").await;
        pending.push(connection);
    }
    server.admin().export(b"").await.assert_ok_empty();
    let grown = memory("VmHWM:").saturating_sub(before) / 1024;
    println!("400 announced bodies of 16 MiB: the peak grew by {grown} MiB");
    assert!(grown < 40, "the peak grew by {grown} MiB");
    drop(pending);
    server.stop().await;
}
