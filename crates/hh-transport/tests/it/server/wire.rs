//! One connection, with or without TLS: reading a request, writing and closing.

use std::net::SocketAddr;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

pub(super) trait Wire: AsyncRead + AsyncWrite + Unpin {
    /// The underlying connection, for a reset.
    fn tcp(&self) -> &TcpStream;
}

impl Wire for TcpStream {
    fn tcp(&self) -> &TcpStream {
        self
    }
}

impl Wire for TlsStream<TcpStream> {
    fn tcp(&self) -> &TcpStream {
        self.get_ref().0
    }
}

/// Reads a head and its body, or the first message of a TLS client; less if the client disconnects.
pub(super) async fn read<W: Wire>(wire: &mut W) -> Vec<u8> {
    let mut request = Vec::with_capacity(16 * 1024);
    loop {
        let count = wire.read_buf(&mut request).await.unwrap_or(0);
        // The first byte of a TLS handshake, which has no head.
        if count == 0 || request[0] == 0x16 || is_whole(&request) {
            return request;
        }
    }
}

/// Writes bytes; returns false if the client has disconnected.
pub(super) async fn write<W: Wire>(wire: &mut W, bytes: &[u8]) -> bool {
    wire.write_all(bytes).await.is_ok() && wire.flush().await.is_ok()
}

/// Closes the sending side and waits for the client to close, because an early close would reset the connection.
pub(super) async fn close<W: Wire>(wire: &mut W) {
    let mut rest = [0; 1024];
    if wire.shutdown().await.is_ok() {
        while wire.read(&mut rest).await.is_ok_and(|count| count > 0) {}
    }
}

/// Forwards bytes to another server and back, until one side closes.
pub(super) async fn tunnel<W: Wire>(wire: &mut W, to: SocketAddr) {
    let mut other = TcpStream::connect(to).await.unwrap();
    // Both ends detect an error.
    let _ended = tokio::io::copy_bidirectional(wire, &mut other).await;
}

/// Returns the length of the head, including its empty line.
pub(super) fn head_length(request: &[u8]) -> Option<usize> {
    let end = request.windows(4).position(|window| window == b"\r\n\r\n");
    end.map(|at| at + 4)
}

fn is_whole(request: &[u8]) -> bool {
    let Some(length) = head_length(request) else {
        return false;
    };
    let head = String::from_utf8_lossy(&request[..length]);
    let announced: usize = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .map_or(0, |announced| announced.parse().unwrap());
    request.len() >= length + announced
}
