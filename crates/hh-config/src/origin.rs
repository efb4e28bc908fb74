//! Defines base URLs and their origins.

use std::fmt;

use url::{Host, Url};

/// The normalized scheme, host and port of a server, which a credential is bound to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Origin {
    scheme: String,
    host: Host,
    port: u16,
}

impl Origin {
    /// Parses the origin of a URL; path, query and fragment are ignored.
    ///
    /// # Errors
    /// Returns an [`OriginError`] if the URL is not a valid base URL. The error never contains the URL.
    pub fn parse(url: &str) -> Result<Self, OriginError> {
        BaseUrl::parse(url).map(|base| base.origin)
    }

    /// Returns whether the host is `honeyhive.ai` or one of its subdomains, regardless of scheme and port.
    #[must_use]
    pub fn is_honeyhive(&self) -> bool {
        let Host::Domain(name) = &self.host else {
            return false;
        };
        let name = name.strip_suffix('.').unwrap_or(name);
        name == "honeyhive.ai" || name.ends_with(".honeyhive.ai")
    }

    /// Returns the host, in the form that it has in a URL, if requests to it use plain HTTP and it is not a loopback
    /// address.
    pub(crate) fn plain_http_host(&self) -> Option<String> {
        let is_loopback = match &self.host {
            Host::Domain(name) => name == "localhost",
            Host::Ipv4(address) => address.is_loopback(),
            Host::Ipv6(address) => address.is_loopback(),
        };
        (self.scheme == "http" && !is_loopback).then(|| self.host.to_string())
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}://{}", self.scheme, self.host)?;
        let usual = if self.scheme == "https" { 443 } else { 80 };
        if self.port != usual {
            write!(formatter, ":{}", self.port)?;
        }
        Ok(())
    }
}

/// The URL that all API paths are relative to, with its origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseUrl {
    text: String,
    origin: Origin,
}

impl BaseUrl {
    /// Parses a base URL and removes trailing slashes.
    ///
    /// # Errors
    /// Returns an [`OriginError`] if the URL is not a valid base URL. The error never contains the URL.
    pub fn parse(text: &str) -> Result<Self, OriginError> {
        let url = Url::parse(text.trim())
            .map_err(|_| OriginError("expected a URL such as http://127.0.0.1:8642"))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(OriginError(
                "expected a URL that begins with http:// or https://",
            ));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(OriginError(
                "expected a URL without a user name or password",
            ));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(OriginError("expected a URL without a query or fragment"));
        }
        let host = url
            .host()
            .ok_or(OriginError("expected a URL with a host"))?
            .to_owned();
        let port = url
            .port_or_known_default()
            .ok_or(OriginError("expected a URL with a port"))?;
        Ok(Self {
            text: url.as_str().trim_end_matches('/').to_owned(),
            origin: Origin {
                scheme: url.scheme().to_owned(),
                host,
                port,
            },
        })
    }

    /// Returns the origin.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Returns the URL without a trailing slash.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

/// The reason why a URL is not a valid base URL; it never contains the URL, which may contain a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct OriginError(&'static str);
