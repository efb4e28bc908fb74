//! What an error of reqwest means.

use std::error::Error;
use std::io;
use std::time::Duration;

use http::uri::Authority;

use crate::error::{TimeoutStage, TransportError};
use crate::tls;

/// What the connector says when the proxy itself was not reached; its type is not public.
const NOT_AT_PROXY: &str = "tunnel error: failed to create underlying connection";

/// Where the request was to go.
pub(super) struct Route<'a> {
    pub(super) authority: Option<Authority>,
    /// The proxy in between, as messages call it.
    pub(super) proxy: Option<&'a str>,
    pub(super) connect_timeout: Duration,
    /// The answer to a HEAD has no body, whatever its head says.
    pub(super) is_head: bool,
}

impl Route<'_> {
    /// Returns the host and the port.
    pub(super) fn host(&self) -> &str {
        let authority = self.authority.as_ref().map_or("", Authority::as_str);
        // A caller that has no transport in between may name a user: that part is not for messages.
        authority.rsplit('@').next().unwrap_or_default()
    }
}

/// Says what a reqwest error means. What is not certain counts as sent.
pub(super) fn explain(error: ::reqwest::Error, way: &Route<'_>) -> TransportError {
    // Its text would show the whole URL.
    let error = error.without_url();
    let host = way.host();
    if error.is_builder() {
        return TransportError::invalid_request("the request cannot be sent as it is");
    }
    if error.is_connect() {
        return not_connected(&error, way);
    }
    if is_malformed(&error) {
        TransportError::invalid_response(host, "is not valid HTTP")
    } else {
        TransportError::interrupted(host)
    }
}

fn not_connected(error: &::reqwest::Error, way: &Route<'_>) -> TransportError {
    let host = way.host();
    if let Some(tls) = find::<rustls::Error>(error) {
        return match way.proxy {
            // The proxy itself is spoken to in TLS, and was not reached.
            Some(proxy) if find_text(error, |text| text == NOT_AT_PROXY).is_some() => {
                let (why, hint) = tls::why(tls);
                let why = format_args!("cannot be trusted: {why}");
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
        return TransportError::timeout(host, TimeoutStage::Connect, way.connect_timeout);
    }
    let cause = find::<io::Error>(error).map(io::Error::kind);
    if let Some(proxy) = way.proxy {
        // What says that the proxy itself was not reached is the error of connecting to it, below.
        let is_refusal = |text: &str| text.starts_with("tunnel error: ") && text != NOT_AT_PROXY;
        return match find_text(error, is_refusal).as_deref() {
            Some("tunnel error: proxy authorization required") => {
                let why = "wants a user and a password (407)";
                TransportError::proxy(proxy, host, why, true)
                    .with_hint("set proxy_username and proxy_password")
            }
            Some("tunnel error: unsuccessful") => {
                TransportError::proxy(proxy, host, "refuses to connect there", false)
            }
            Some(_) => TransportError::proxy(proxy, host, "broke the connection off", false),
            None if error.is_dns() => {
                TransportError::proxy(proxy, host, "has a name that does not resolve", false)
            }
            None => {
                let why =
                    cause.map_or_else(|| "the connection broke".to_owned(), |c| c.to_string());
                TransportError::proxy(proxy, host, format_args!("cannot be reached: {why}"), false)
            }
        };
    }
    if error.is_dns() {
        return TransportError::unreachable(host, "the name does not resolve");
    }
    match cause {
        Some(cause) => TransportError::unreachable(host, cause),
        None => TransportError::unreachable(host, "the connection broke"),
    }
}

fn is_malformed(error: &::reqwest::Error) -> bool {
    // A damaged TLS record is the connection's fault, not the server's.
    if find::<rustls::Error>(error).is_some() {
        return false;
    }
    let bad_head = find::<hyper::Error>(error).is_some_and(hyper::Error::is_parse);
    // hyper reports a bad chunk of a body as one of these.
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

/// Finds an error whose type is not public by its text.
fn find_text(error: &(dyn Error + 'static), is_it: impl Fn(&str) -> bool) -> Option<String> {
    chain(error)
        .map(ToString::to_string)
        .find(|text| is_it(text))
}

/// Walks the sources; an I/O error may wrap another error without naming it as its source.
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
