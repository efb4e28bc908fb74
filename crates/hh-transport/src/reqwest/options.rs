//! Options of the reqwest service.

use std::time::Duration;

use crate::proxy::ProxyOptions;
use crate::tls::Trust;

/// Options of a [`ReqwestService`](crate::ReqwestService).
#[derive(Clone, Debug)]
#[must_use]
pub struct ReqwestOptions {
    pub(crate) connect_timeout: Duration,
    pub(crate) first_byte_timeout: Duration,
    pub(crate) idle_read_timeout: Duration,
    pub(crate) max_response_bytes: usize,
    pub(crate) trust: Trust,
    pub(crate) proxy: Option<ProxyOptions>,
}

impl ReqwestOptions {
    /// Creates the default options: timeouts of 10 s for the connection, for the head of the response and between parts
    /// of the body, a limit of 4 MiB for the body, the trusted certificates of the platform, and no proxy.
    ///
    /// On a platform without trusted certificates, the built-in public certificate authorities are trusted.
    pub const fn new() -> Self {
        Self {
            connect_timeout: Duration::from_secs(10),
            first_byte_timeout: Duration::from_secs(10),
            idle_read_timeout: Duration::from_secs(10),
            max_response_bytes: 4 * 1024 * 1024,
            trust: Trust::Platform,
            proxy: None,
        }
    }

    /// Sets the timeout for the setup of a connection, including name resolution, proxy and TLS.
    pub const fn with_connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = bounded(timeout);
        self
    }

    /// Sets the timeout from the established connection to the head of the response. This includes the time to send the
    /// request, for which one second is added per 8 KiB of the request body.
    pub const fn with_first_byte_timeout(mut self, timeout: Duration) -> Self {
        self.first_byte_timeout = bounded(timeout);
        self
    }

    /// Sets the timeout between two parts of the response body.
    pub const fn with_idle_read_timeout(mut self, timeout: Duration) -> Self {
        self.idle_read_timeout = bounded(timeout);
        self
    }

    /// Sets the size limit of a response body in bytes, after decompression. Values above 64 MiB count as 64 MiB.
    pub const fn with_max_response_bytes(mut self, bytes: usize) -> Self {
        self.max_response_bytes = bytes;
        self
    }

    /// Trusts the certificates in `pem`, the contents of a PEM file, and no others.
    pub fn with_ca_bundle(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.trust = Trust::Pem(pem.into());
        self
    }

    /// Disables the verification of certificates. Anyone who intercepts the connection can then read everything that is
    /// sent, including the API key.
    pub fn without_verification(mut self) -> Self {
        self.trust = Trust::NoVerification;
        self
    }

    /// Sets the proxy for https requests.
    pub fn with_proxy(mut self, proxy: ProxyOptions) -> Self {
        self.proxy = Some(proxy);
        self
    }
}

/// Limits a timeout to one year, so that sums of times cannot overflow.
const fn bounded(timeout: Duration) -> Duration {
    const YEAR: Duration = Duration::from_hours(24 * 365);
    if timeout.as_secs() < YEAR.as_secs() {
        timeout
    } else {
        YEAR
    }
}

impl Default for ReqwestOptions {
    fn default() -> Self {
        Self::new()
    }
}
