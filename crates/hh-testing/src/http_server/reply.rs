//! The reply of a server to a request, and the state of the connection after it.

use std::net::SocketAddr;

/// A reply, with the state of the connection after it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Reply {
    /// Sends these bytes and closes the connection cleanly.
    Bytes(Vec<u8>),
    /// Sends these bytes and waits for another request.
    Keep(Vec<u8>),
    /// Sends these bytes and resets the connection.
    BytesThenReset(Vec<u8>),
    /// Sends these bytes and then nothing, until the client closes the connection.
    BytesThenSilence(Vec<u8>),
    /// Sends the first bytes, and then repeats the others slowly.
    Drip(Vec<u8>, &'static [u8]),
    /// Resets the connection.
    Reset,
    /// Sends nothing, until the client closes the connection.
    Silence,
    /// Sends these bytes and connects the client to another server, as a proxy does.
    Tunnel(Vec<u8>, SocketAddr),
}

/// The state of a connection after the first bytes of a reply.
pub(super) enum StreamEnd {
    Next,
    Close,
    Reset,
    Silence,
    Drip(&'static [u8]),
    Tunnel(SocketAddr),
}

impl Reply {
    pub(super) fn into_parts(self) -> (Vec<u8>, StreamEnd) {
        match self {
            Self::Bytes(bytes) => (bytes, StreamEnd::Close),
            Self::Keep(bytes) => (bytes, StreamEnd::Next),
            Self::BytesThenReset(bytes) => (bytes, StreamEnd::Reset),
            Self::BytesThenSilence(bytes) => (bytes, StreamEnd::Silence),
            Self::Drip(bytes, part) => (bytes, StreamEnd::Drip(part)),
            Self::Reset => (Vec::new(), StreamEnd::Reset),
            Self::Silence => (Vec::new(), StreamEnd::Silence),
            Self::Tunnel(bytes, to) => (bytes, StreamEnd::Tunnel(to)),
        }
    }
}

/// A status with its reason, optional header lines after it, and a body: `("429 Slow\r\nretry-after: 1", body)`.
/// If the head is empty, the connection is closed without a response.
impl From<(&str, Vec<u8>)> for Reply {
    fn from((head, body): (&str, Vec<u8>)) -> Self {
        if head.is_empty() {
            return Self::Bytes(Vec::new());
        }
        let (status, headers) = head.split_once("\r\n").unwrap_or((head, ""));
        let end = if headers.is_empty() { "" } else { "\r\n" };
        response(status, &format!("{headers}{end}"), body)
    }
}

/// The same response as one text, in which an empty line separates the head from the body:
/// `"200 OK\r\nX: y\r\n\r\nbody"`.
impl From<&str> for Reply {
    fn from(text: &str) -> Self {
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((text, ""));
        Self::from((head, body.as_bytes().to_vec()))
    }
}

impl From<String> for Reply {
    fn from(text: String) -> Self {
        Self::from(text.as_str())
    }
}

/// Returns a response with a length and these header lines, each with its line end; the connection is closed after it.
pub fn response(status: &str, headers: &str, body: impl AsRef<[u8]>) -> Reply {
    Reply::Bytes(response_bytes(status, headers, body))
}

/// Returns the bytes of [`response`].
pub fn response_bytes(status: &str, headers: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let length = body.len();
    let mut bytes = format!(
        "HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n{headers}\r\n"
    )
    .into_bytes();
    bytes.extend_from_slice(body);
    bytes
}
