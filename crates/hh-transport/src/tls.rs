//! Whom we trust: the roots of the platform, or the bundled ones when it has none.

use std::sync::Arc;

use rustls::crypto::{CryptoProvider, ring};
use rustls::{ClientConfig, ConfigBuilder, RootCertStore, WantsVerifier};
use rustls_platform_verifier::BuilderVerifierExt;

/// Makes the TLS settings with ring, without touching the provider of the process.
pub(crate) fn config() -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(ring::default_provider());
    // A container without CA certificates is common, and an error there would stop even calls to loopback.
    platform(&provider).or_else(|_| bundled(&provider))
}

fn platform(provider: &Arc<CryptoProvider>) -> Result<ClientConfig, rustls::Error> {
    Ok(builder(provider)?
        .with_platform_verifier()?
        .with_no_client_auth())
}

fn bundled(provider: &Arc<CryptoProvider>) -> Result<ClientConfig, rustls::Error> {
    let roots: RootCertStore = webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect();
    Ok(builder(provider)?
        .with_root_certificates(roots)
        .with_no_client_auth())
}

fn builder(
    provider: &Arc<CryptoProvider>,
) -> Result<ConfigBuilder<ClientConfig, WantsVerifier>, rustls::Error> {
    ClientConfig::builder_with_provider(Arc::clone(provider)).with_safe_default_protocol_versions()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_kinds_of_roots_make_a_configuration() {
        let provider = Arc::new(ring::default_provider());
        assert!(config().is_ok());
        assert!(bundled(&provider).is_ok());
    }
}
