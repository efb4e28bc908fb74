//! A client that reads its responses at a rate.

use std::time::Duration;

use serde_json::json;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpSocket, TcpStream};

use super::spans::{SESSION, encode, in_session, label};
use super::support::{Client, JSON, within};

/// Stores an event of a size.
pub(crate) async fn store(client: &Client, number: u8, size: usize) {
    let mut span = in_session(number, SESSION);
    span.attributes
        .push(label("honeyhive_inputs.a", &"x".repeat(size)));
    client.export(&encode(vec![span])).await.assert_ok_empty();
}

/// Requests all events on a connection with a small receive buffer, so that the response stays with the server.
pub(crate) async fn request(client: &Client) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let mut stream = within(socket.connect(client.address())).await.unwrap();
    let body = json!({"filters": []}).to_string();
    let length = body.len().to_string();
    let headers = [JSON, ("content-length", &length)];
    let mut bytes = client.head("POST", "/v1/events/export", &headers);
    bytes.extend_from_slice(body.as_bytes());
    within(stream.write_all(&bytes)).await.unwrap();
    stream
}

/// Reads some bytes, 20 times a second, until there are `enough` or the server closes; returns what was read.
pub(crate) async fn read_at(stream: &TcpStream, rate: usize, enough: usize) -> Vec<u8> {
    const TICKS: usize = 20;

    let mut read = Vec::new();
    let mut clock = tokio::time::interval(Duration::from_millis(50));
    let mut chunk = vec![0; rate / TICKS];
    while read.len() < enough {
        clock.tick().await;
        match stream.try_read(&mut chunk) {
            Ok(0) => break,
            Ok(count) => read.extend_from_slice(&chunk[..count]),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(_) => break,
        }
    }
    read
}
