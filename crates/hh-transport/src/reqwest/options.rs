//! Settings of the real service.

use std::time::Duration;

use crate::proxy::ProxyOptions;
use crate::tls::Trust;

/// Settings of a [`ReqwestService`](crate::ReqwestService).
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
    /// Makes the default: 10 s to connect, 10 s for the answer to begin, 10 s between its parts, 4 MiB for its body, the
    /// roots of the platform, no proxy.
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

    /// Sets the time to set up a connection, name look-up, proxy and TLS included.
    pub const fn with_connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = bounded(timeout);
        self
    }

    /// Sets the time from a connection to the head of the answer. The request has to travel in it, so that a second is
    /// added for each 8 KiB of its body.
    pub const fn with_first_byte_timeout(mut self, timeout: Duration) -> Self {
        self.first_byte_timeout = bounded(timeout);
        self
    }

    /// Sets the longest time without any part of the body of the answer.
    pub const fn with_idle_read_timeout(mut self, timeout: Duration) -> Self {
        self.idle_read_timeout = bounded(timeout);
        self
    }

    /// Sets how many bytes a response body may have, after decompression; more than 64 MiB count as 64 MiB.
    pub const fn with_max_response_bytes(mut self, bytes: usize) -> Self {
        self.max_response_bytes = bytes;
        self
    }

    /// Trusts the certificates of a PEM file, and no others.
    pub fn with_ca_bundle(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.trust = Trust::Pem(pem.into());
        self
    }

    /// Trusts every certificate: whoever sits in between can read all that is sent, the API key too.
    pub fn without_verification(mut self) -> Self {
        self.trust = Trust::NoVerification;
        self
    }

    /// Sends https through a proxy.
    pub fn with_proxy(mut self, proxy: ProxyOptions) -> Self {
        self.proxy = Some(proxy);
        self
    }
}

/// No sum of times may overflow.
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
