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
    if authority.as_str().contains('@') {
        return Err(TransportError::invalid_request(
            "the URI names a user: keys go into a header",
        ));
    }
    if authority.host().is_empty() {
        return Err(TransportError::invalid_request("the URI has no host"));
    }
    // `[::1]evil.example` has the host `[::1]`, as far as `http` says.
    let is_plain = match authority.port() {
        Some(port) => authority.as_str() == format!("{}:{port}", authority.host()),
        None => authority.as_str().trim_end_matches(':') == authority.host(),
    };
    if !is_plain {
        return Err(TransportError::invalid_request(
            "the URI has more than a host and a port where they belong",
        ));
    }
    if *scheme == Scheme::HTTPS || (*scheme == Scheme::HTTP && is_loopback(authority.host())) {
        Ok(authority)
    } else if *scheme == Scheme::HTTP {
        Err(TransportError::insecure(authority.host()))
    } else {
        Err(TransportError::invalid_request(
            "the URI is neither https nor http",
        ))
    }
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
