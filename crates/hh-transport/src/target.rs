//! Checks the destination of a request.

use std::net::Ipv4Addr;

use http::Uri;
use http::uri::{Authority, Scheme};

use crate::error::TransportError;

/// Returns the host and port of an absolute URI that requests may be sent to. A key must not cross a network
/// unencrypted, so plain HTTP is only allowed to loopback addresses and to the hosts in `insecure`.
pub(crate) fn check<'a>(
    uri: &'a Uri,
    insecure: &[String],
) -> Result<&'a Authority, TransportError> {
    let (Some(scheme), Some(authority)) = (uri.scheme(), uri.authority()) else {
        return Err(TransportError::invalid_request("the URL is not absolute"));
    };
    // Checked before any message names the host: the part before the at sign may be a password.
    if authority.as_str().bytes().any(|byte| byte == b'@') {
        return Err(
            TransportError::invalid_request("the URL contains a user name or a password")
                .with_hint("send the API key in a header"),
        );
    }
    let host = authority.host();
    if host.is_empty() {
        return Err(TransportError::invalid_request("the URL has no host"));
    }
    // The host of `[::1]evil.example` is `[::1]` according to `http`.
    let rest = authority.as_str().strip_prefix(host);
    if !rest.is_some_and(is_port) {
        return Err(TransportError::invalid_request(
            "the authority of the URL is not a host with an optional port",
        ));
    }
    let is_allowed = || {
        insecure
            .iter()
            .any(|other| other.eq_ignore_ascii_case(host))
    };
    if *scheme == Scheme::HTTPS || (*scheme == Scheme::HTTP && (is_loopback(host) || is_allowed()))
    {
        Ok(authority)
    } else if *scheme == Scheme::HTTP {
        Err(TransportError::insecure(host))
    } else {
        Err(TransportError::invalid_request(
            "the scheme of the URL is neither https nor http",
        ))
    }
}

/// Returns whether the text after a host is valid: a colon and a port in canonical form, colons only, or nothing.
fn is_port(text: &str) -> bool {
    let is_usual = |port: &str| {
        matches!(port.as_bytes(), [b'0'] | [b'1'..=b'9', ..]) && port.parse::<u16>().is_ok()
    };
    text.strip_prefix(':').is_some_and(is_usual) || text.trim_end_matches(':').is_empty()
}

/// Returns whether a host is loopback without name resolution: the name `localhost` and the literals. Short forms such
/// as `127.1` count as names.
pub(crate) fn is_loopback(host: &str) -> bool {
    let literal = || {
        host.parse::<Ipv4Addr>()
            .is_ok_and(|address| address.is_loopback())
    };
    host.eq_ignore_ascii_case("localhost") || host == "[::1]" || literal()
}
