//! Converts reqwest errors to transport errors.

use std::error::Error;
use std::io;
use std::time::Duration;

use http::uri::Authority;

use crate::error::{TimeoutStage, TransportError};
use crate::tls;

/// The text of the connector when the proxy itself is unreachable. The type of the error is not public.
const NOT_AT_PROXY: &str = "tunnel error: failed to create underlying connection";

/// The destination of a request.
pub(super) struct Route<'a> {
    pub(super) authority: Option<Authority>,
    /// The host and port of the proxy.
    pub(super) proxy: Option<&'a str>,
    pub(super) connect_timeout: Duration,
    /// Whether the request is a HEAD request, whose response has no body.
    pub(super) is_head: bool,
}

impl Route<'_> {
    /// Returns the host and the port of the server.
    pub(super) fn host(&self) -> &str {
        let authority = self.authority.as_ref().map_or("", Authority::as_str);
        // If the service is used without a transport, the URI may contain a user name, which must not be printed.
        authority.rsplit('@').next().unwrap_or_default()
    }
}

/// Converts a reqwest error. In case of doubt the request counts as sent.
pub(super) fn explain(error: ::reqwest::Error, route: &Route<'_>) -> TransportError {
    // The text of the error would contain the whole URL.
    let error = error.without_url();
    let host = route.host();
    if error.is_builder() {
        return TransportError::invalid_request("the request is invalid");
    }
    if error.is_connect() {
        return not_connected(&error, route);
    }
    if is_malformed(&error) {
        TransportError::invalid_response(host, "is not valid HTTP")
    } else {
        TransportError::interrupted(host)
    }
}

fn not_connected(error: &::reqwest::Error, route: &Route<'_>) -> TransportError {
    let host = route.host();
    if let Some(tls) = find::<rustls::Error>(error) {
        return match route.proxy {
            // The connection to the proxy itself uses TLS and failed.
            Some(proxy) if find_text(error, |text| text == NOT_AT_PROXY).is_some() => {
                let (why, hint) = tls::why(tls);
                let why = format!("cannot be trusted: {why}");
                let error = TransportError::proxy(proxy, host, why, true);
                match hint {
                    Some(hint) => error.with_hint(hint),
                    None => error,
                }
            }
            Some(_) | None => tls::error(host, tls),
        };
    }
    if error.is_timeout() {
        return TransportError::timeout(host, TimeoutStage::Connect, route.connect_timeout);
    }
    let cause = find::<io::Error>(error).map(io::Error::kind);
    if let Some(proxy) = route.proxy {
        // A failed connection to the proxy itself is an inner error, which is handled below.
        let is_refusal = |text: &str| text.starts_with("tunnel error: ") && text != NOT_AT_PROXY;
        return match find_text(error, is_refusal).as_deref() {
            Some("tunnel error: proxy authorization required") => {
                let why = "requires a user name and a password (407)";
                TransportError::proxy(proxy, host, why, true)
                    .with_hint("set proxy_username and proxy_password")
            }
            Some("tunnel error: unsuccessful") => {
                TransportError::proxy(proxy, host, "refused to connect to the server", false)
            }
            Some(_) => TransportError::proxy(proxy, host, "closed the connection", false),
            None if error.is_dns() => TransportError::proxy(
                proxy,
                host,
                "cannot be found: the name does not resolve",
                false,
            ),
            None => {
                let why =
                    cause.map_or_else(|| "the connection was lost".to_owned(), |c| c.to_string());
                TransportError::proxy(proxy, host, format_args!("cannot be reached: {why}"), false)
            }
        };
    }
    if error.is_dns() {
        return TransportError::unreachable(host, "the name does not resolve");
    }
    match cause {
        Some(cause) => TransportError::unreachable(host, cause),
        None => TransportError::unreachable(host, "the connection was lost"),
    }
}

fn is_malformed(error: &::reqwest::Error) -> bool {
    // A damaged TLS record is an error of the connection, not of the server.
    if find::<rustls::Error>(error).is_some() {
        return false;
    }
    let bad_head = find::<hyper::Error>(error).is_some_and(hyper::Error::is_parse);
    // hyper reports an invalid chunk of a body as one of these kinds.
    let bad_chunk = |cause: &io::Error| {
        matches!(
            cause.kind(),
            io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData
        )
    };
    bad_head || find::<io::Error>(error).is_some_and(bad_chunk)
}

/// Finds the innermost error of a type.
fn find<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    chain(error).filter_map(<dyn Error>::downcast_ref).last()
}

/// Finds an error with a private type by its text.
fn find_text(error: &(dyn Error + 'static), is_it: impl Fn(&str) -> bool) -> Option<String> {
    chain(error)
        .map(ToString::to_string)
        .find(|text| is_it(text))
}

/// Returns an error and its sources. An I/O error may wrap an error that is not its source.
fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error: &&'a (dyn Error + 'static)| {
        let error = *error;
        let wrapped = error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref);
        match wrapped {
            Some(inner) => Some(inner),
            None => error.source(),
        }
    })
}
