//! Where a request may go at all.

use std::net::Ipv4Addr;

use http::Uri;
use http::uri::{Authority, Scheme};

use crate::error::TransportError;

/// Returns the host and port of an absolute URI that may be sent to. A key or a session must not cross a network in
/// the clear, so plain http stays on this machine.
pub(crate) fn check(uri: &Uri) -> Result<&Authority, TransportError> {
    let (Some(scheme), Some(authority)) = (uri.scheme(), uri.authority()) else {
        return Err(TransportError::invalid_request("the URI is not absolute"));
    };
    // Before anything is said about the host: the part before the at sign may be a password.
    if authority.as_str().bytes().any(|byte| byte == b'@') {
        return Err(TransportError::invalid_request(
            "the URI names a user: keys go into a header",
        ));
    }
    let host = authority.host();
    if host.is_empty() {
        return Err(TransportError::invalid_request("the URI has no host"));
    }
    // `[::1]evil.example` has the host `[::1]`, as far as `http` says.
    let rest = authority.as_str().strip_prefix(host);
    if !rest.is_some_and(is_port) {
        return Err(TransportError::invalid_request(
            "the URI has more than a host and a port where they belong",
        ));
    }
    if *scheme == Scheme::HTTPS || (*scheme == Scheme::HTTP && is_loopback(host)) {
        Ok(authority)
    } else if *scheme == Scheme::HTTP {
        Err(TransportError::insecure(host))
    } else {
        Err(TransportError::invalid_request(
            "the URI is neither https nor http",
        ))
    }
}

/// Tells whether this is a colon and a port in its one usual form, or only colons, or nothing.
fn is_port(text: &str) -> bool {
    let is_usual = |port: &str| {
        matches!(port.as_bytes(), [b'0'] | [b'1'..=b'9', ..]) && port.parse::<u16>().is_ok()
    };
    text.strip_prefix(':').is_some_and(is_usual) || text.trim_end_matches(':').is_empty()
}

/// Only what is loopback without asking a name server: the name `localhost` and the literals. Short forms such as
/// `127.1` are names here.
pub(crate) fn is_loopback(host: &str) -> bool {
    let literal = || {
        host.parse::<Ipv4Addr>()
            .is_ok_and(|address| address.is_loopback())
    };
    host.eq_ignore_ascii_case("localhost") || host == "[::1]" || literal()
}
