//! One connection, plain or with TLS: reads a request, writes and closes.

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

/// Reads a head and its body, or the greeting of a TLS client. The result is shorter if the client disconnects.
pub(super) async fn read<W: Wire>(wire: &mut W) -> Vec<u8> {
    let mut request = Vec::with_capacity(16 * 1024);
    let mut length = None;
    loop {
        let count = wire.read_buf(&mut request).await.unwrap_or(0);
        // The first byte of a TLS handshake: no head will follow.
        if count == 0 || request[0] == 0x16 {
            return request;
        }
        length = length.or_else(|| whole_length(&request));
        if length.is_some_and(|length| request.len() >= length) {
            return request;
        }
    }
}

/// Writes the bytes. Returns false if the client has disconnected.
pub(super) async fn write<W: Wire>(wire: &mut W, bytes: &[u8]) -> bool {
    wire.write_all(bytes).await.is_ok() && wire.flush().await.is_ok()
}

/// Closes the sending side and waits for the client to do the same: closing while its bytes arrive would be a reset.
pub(super) async fn close<W: Wire>(wire: &mut W) {
    if wire.shutdown().await.is_ok() {
        read_to_end(wire).await;
    }
}

/// Waits until the client closes the connection.
pub(super) async fn read_to_end<W: Wire>(wire: &mut W) {
    let mut rest = [0; 1024];
    while wire.read(&mut rest).await.is_ok_and(|count| count > 0) {}
}

/// Forwards bytes in both directions to another server, until one side closes.
pub(super) async fn tunnel<W: Wire>(wire: &mut W, to: SocketAddr) {
    let mut other = TcpStream::connect(to).await.unwrap();
    // Both ends detect the end of the connection.
    let _ended = tokio::io::copy_bidirectional(wire, &mut other).await;
}

/// Returns the length of the head with its empty line.
pub(super) fn head_length(request: &[u8]) -> Option<usize> {
    let end = request.windows(4).position(|window| window == b"\r\n\r\n");
    end.map(|at| at + 4)
}

/// Returns the length of the request with its body, once its head is complete.
fn whole_length(request: &[u8]) -> Option<usize> {
    let length = head_length(request)?;
    let head = String::from_utf8_lossy(&request[..length]);
    let announced = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length")
            .then(|| value.trim().parse::<usize>().unwrap())
    });
    Some(length + announced.unwrap_or(0))
}
