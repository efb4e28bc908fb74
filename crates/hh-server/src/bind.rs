//! Parses the address that a server listens on, and opens its socket.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use serde::Deserialize;
use serde::de::IgnoredAny;
use tokio::net::TcpListener;

/// The error for a text that is not an address to listen on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected PORT or localhost:PORT (this machine only), :PORT (all interfaces) or ADDRESS:PORT, such as 192.0.2.1:8642 or [::1]:8642"
)]
#[non_exhaustive]
pub struct InvalidBind;

/// Parses an address to listen on.
///
/// | text | address |
/// | --- | --- |
/// | `8642`, `localhost:8642` | `127.0.0.1:8642`, which only this machine can reach |
/// | `:8642` | `[::]:8642`, all interfaces with IPv4 and IPv6 |
/// | `192.0.2.1:8642`, `[::1]:8642` | this address |
///
/// Port 0 selects a free port.
///
/// # Errors
/// The text has another form. Names other than `localhost` are not looked up.
///
/// # Examples
/// ```
/// assert_eq!(hh_server::parse_bind("8642")?.to_string(), "127.0.0.1:8642");
/// assert_eq!(hh_server::parse_bind(":8642")?.to_string(), "[::]:8642");
/// # Ok::<(), hh_server::InvalidBind>(())
/// ```
pub fn parse_bind(text: &str) -> Result<SocketAddr, InvalidBind> {
    if let Ok(address) = text.parse() {
        return Ok(address);
    }
    let (ip, port) = match text.rsplit_once(':') {
        None => (Ipv4Addr::LOCALHOST.into(), text),
        Some(("", port)) => (Ipv6Addr::UNSPECIFIED.into(), port),
        Some((host, port)) if host.eq_ignore_ascii_case("localhost") => {
            (Ipv4Addr::LOCALHOST.into(), port)
        }
        Some(_) => return Err(InvalidBind),
    };
    // A number that is parsed may have a sign.
    let is_number = port.bytes().all(|byte| byte.is_ascii_digit());
    let port = port.parse().ok().filter(|_| is_number);
    port.map(|port| SocketAddr::new(ip, port))
        .ok_or(InvalidBind)
}

/// The value of `bind` in `server.yaml`. YAML parses a port as a number.
#[derive(Deserialize)]
#[serde(untagged)]
pub(crate) enum BindValue {
    Port(u64),
    Text(String),
    Other(IgnoredAny),
}

impl BindValue {
    /// Returns the address.
    pub(crate) fn address(&self) -> Result<SocketAddr, InvalidBind> {
        match self {
            Self::Port(port) => parse_bind(&port.to_string()),
            Self::Text(text) => parse_bind(text),
            Self::Other(_) => Err(InvalidBind),
        }
    }
}

/// Listens on an address. A system without IPv6 listens on all IPv4 addresses instead of all addresses.
pub(crate) async fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    match TcpListener::bind(address).await {
        Err(error) if address.ip() == IpAddr::from(Ipv6Addr::UNSPECIFIED) && lacks_ipv6(&error) => {
            TcpListener::bind((Ipv4Addr::UNSPECIFIED, address.port())).await
        }
        listener => listener,
    }
}

/// Returns whether an address could not be bound because the system does not support IPv6.
fn lacks_ipv6(error: &io::Error) -> bool {
    error.kind() == ErrorKind::AddrNotAvailable
        || error.raw_os_error() == Some(rustix::io::Errno::AFNOSUPPORT.raw_os_error())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_can_be_written_in_several_ways() {
        for (text, expected) in [
            ("8642", "127.0.0.1:8642"),
            ("0", "127.0.0.1:0"),
            ("65535", "127.0.0.1:65535"),
            (":8642", "[::]:8642"),
            (":0", "[::]:0"),
            ("localhost:8642", "127.0.0.1:8642"),
            ("LocalHost:0", "127.0.0.1:0"),
            ("127.0.0.1:8642", "127.0.0.1:8642"),
            ("0.0.0.0:8642", "0.0.0.0:8642"),
            ("192.0.2.1:0", "192.0.2.1:0"),
            ("[::1]:8642", "[::1]:8642"),
            ("[::]:8642", "[::]:8642"),
        ] {
            assert_eq!(parse_bind(text), Ok(expected.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn other_texts_are_no_address() {
        for text in [
            "",
            ":",
            "localhost",
            "localhost:",
            "127.0.0.1",
            "127.0.0.1:",
            "::1",
            "::1:8642",
            "[::1]",
            "65536",
            ":65536",
            "-1",
            "+80",
            ":+80",
            " 8642",
            "8642 ",
            "http://127.0.0.1:8642",
            "localhost:8642/",
            "*:8642",
            "example.com:8642",
            "localhost.:8642",
            "256.0.0.1:8642",
            "0x50",
            "８６４２",
        ] {
            assert_eq!(parse_bind(text), Err(InvalidBind), "{text}");
        }
    }
}
