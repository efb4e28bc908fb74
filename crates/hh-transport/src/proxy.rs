//! The proxy, and the requests that go through it.

use std::fmt;

use ::reqwest::Url;
use http::{HeaderValue, Uri};
use hyper_util::client::proxy::matcher::Matcher;

use crate::error::TransportError;
use crate::no_proxy::NoProxy;

/// The options of a proxy: its URL, and the hosts that are reached without it.
///
/// Only https requests go through the proxy, in a tunnel whose contents the proxy cannot read. Requests to loopback
/// addresses never use the proxy.
#[derive(Clone)]
#[must_use]
pub struct ProxyOptions {
    url: Url,
    no_proxy: NoProxy,
}

// Implemented by hand, because the URL contains the password.
impl fmt::Debug for ProxyOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProxyOptions")
            .field("proxy", &without_credentials(&self.url))
            .field("no_proxy", &self.no_proxy)
            .finish()
    }
}

impl ProxyOptions {
    /// Parses the URL of an http or https proxy, which may contain a user name and a password. Without a scheme,
    /// `http://` is added.
    ///
    /// # Errors
    ///
    /// Returns [`InvalidRequest`](crate::TransportErrorKind::InvalidRequest) for any other text.
    pub fn parse(url: &str) -> Result<Self, TransportError> {
        let parsed = if url.contains("://") {
            Url::parse(url)
        } else {
            Url::parse(&format!("http://{url}"))
        };
        let is_socks = |url: &Url| url.scheme().starts_with("socks");
        if parsed.as_ref().is_ok_and(is_socks) {
            return Err(TransportError::invalid_request(
                "SOCKS proxies are not supported",
            ));
        }
        let url = parsed.ok().filter(|url| {
            matches!(url.scheme(), "http" | "https")
                && url.host_str().is_some_and(|h| !h.is_empty())
        });
        let url = url.ok_or_else(|| {
            TransportError::invalid_request(
                "invalid proxy URL: expected an http or https URL with a host",
            )
        })?;
        Ok(Self {
            url,
            no_proxy: NoProxy::default(),
        })
    }

    /// Sets the user name and the password for the proxy. `None` keeps the one in the URL.
    pub fn with_credentials(mut self, user: Option<&str>, password: Option<&str>) -> Self {
        // Values are not percent-encoded, but the URL keeps sequences that look encoded, so percent signs are encoded.
        let plain = |text: &str| text.replace('%', "%25");
        // Both calls fail only for URLs without a host.
        if let Some(user) = user {
            let _done = self.url.set_username(&plain(user));
        }
        if let Some(password) = password {
            let _done = self.url.set_password(Some(&plain(password)));
        }
        self
    }

    /// Sets the hosts that are reached without the proxy.
    pub fn with_no_proxy(mut self, hosts: NoProxy) -> Self {
        self.no_proxy = hosts;
        self
    }
}

/// The proxy rules in effect.
pub(crate) struct Rules {
    url: Url,
    shown: String,
    no_proxy: NoProxy,
}

impl fmt::Debug for Rules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Rules").field(&self.shown).finish()
    }
}

impl Rules {
    pub(crate) fn new(options: &ProxyOptions) -> Self {
        let shown = without_credentials(&options.url);
        Self {
            url: options.url.clone(),
            no_proxy: options.no_proxy.clone(),
            shown,
        }
    }

    /// Returns the host and port of the proxy for a request, if the request goes through it.
    pub(crate) fn redacted_for(&self, uri: &Uri) -> Option<&str> {
        self.is_for(uri).then_some(self.shown.as_str())
    }

    /// Returns the URL of the proxy for a request, if the request goes through it.
    pub(crate) fn url_for(&self, url: &Url) -> Option<Url> {
        let uri = url.as_str().parse::<Uri>().ok()?;
        self.is_for(&uri).then(|| self.url.clone())
    }

    /// Returns the credentials for the proxy, if any.
    pub(crate) fn authorization(&self) -> Option<HeaderValue> {
        let matcher = Matcher::builder().all(self.url.as_str()).build();
        let any = Uri::from_static("https://proxied.invalid/");
        matcher.intercept(&any)?.basic_auth().cloned()
    }

    /// Returns whether the connection to the proxy uses TLS, its host and its port.
    pub(crate) fn place(&self) -> (bool, &str, u16) {
        (
            self.url.scheme() == "https",
            self.url.host_str().unwrap_or_default(),
            self.url.port_or_known_default().unwrap_or_default(),
        )
    }

    fn is_for(&self, uri: &Uri) -> bool {
        !self.no_proxy.is_direct(uri)
    }
}

/// Returns the host and port, without the credentials.
fn without_credentials(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    let port = url.port_or_known_default().unwrap_or_default();
    format!("{host}:{port}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxied(no_proxy: &str, uris: &[&str]) -> Vec<bool> {
        let options = ProxyOptions::parse("proxy.test:3128").unwrap();
        let rules = Rules::new(&options.with_no_proxy(NoProxy::parse(no_proxy)));
        uris.iter()
            .map(|uri| {
                let by_uri = rules.redacted_for(&uri.parse().unwrap()).is_some();
                assert_eq!(rules.url_for(&uri.parse().unwrap()).is_some(), by_uri);
                by_uri
            })
            .collect()
    }

    #[test]
    fn this_machine_and_plain_http_are_reached_directly() {
        let uris = [
            "https://api.test/",
            "https://localhost:1/",
            "https://127.0.0.1/",
            "https://[::1]/",
            "http://127.0.0.1/",
            "http://api.test/",
        ];
        assert_eq!(
            proxied("", &uris),
            [true, false, false, false, false, false]
        );
    }

    #[test]
    fn a_host_of_no_proxy_is_reached_directly() {
        let uris = ["https://api.test/", "https://10.1.2.3/", "https://b.test/"];
        assert_eq!(proxied("api.test 10.0.0.0/8", &uris), [false, false, true]);
    }

    #[test]
    fn only_http_and_https_urls_are_proxies() {
        for url in [
            "http://p",
            "https://p:1",
            "p:3128",
            "http://u:w@p:1/",
            "10.0.0.1:80",
        ] {
            assert!(ProxyOptions::parse(url).is_ok(), "{url}");
        }
        for url in ["", "http://", "socks5://p:1", "file:///p", "http://p:port"] {
            assert!(ProxyOptions::parse(url).is_err(), "{url}");
        }
    }

    #[test]
    fn credentials_are_not_shown() {
        let options = ProxyOptions::parse("http://user:hidden-word@p:3128").unwrap();
        assert!(options.url.as_str().contains("hidden-word"));
        let other = ProxyOptions::parse("p")
            .unwrap()
            .with_credentials(Some("user"), Some("hidden-word"));
        assert_eq!(other.url.as_str(), "http://user:hidden-word@p/");
        let rules = Rules::new(&options);
        let shown = format!("{options:?} {other:?} {rules:?}");
        assert!(
            !shown.contains("hidden") && !shown.contains("user"),
            "{shown}"
        );
    }
}
