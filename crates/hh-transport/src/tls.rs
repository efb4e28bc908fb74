//! Trust in certificates: the roots of the platform (or the built-in roots on a platform without roots), or those of a
//! file.

mod algorithms;
mod bundle;
mod problem;
mod recording_verifier;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, ring};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    AlertDescription, CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore,
    SignatureScheme,
};
use rustls_platform_verifier::Verifier;

use crate::error::TransportError;

pub(crate) use problem::TrustProblem;
pub(crate) use recording_verifier::RecordingVerifier;

/// The source of trust.
#[derive(Clone)]
pub(crate) enum Trust {
    /// The roots of the platform, or the built-in roots on a platform without roots.
    Platform,
    /// These certificates, in PEM, and no others.
    Pem(Vec<u8>),
    /// Every certificate.
    NoVerification,
}

// Implemented by hand, because a file of certificates may also contain a private key.
impl fmt::Debug for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Platform => "Platform",
            Self::Pem(_) => "Pem",
            Self::NoVerification => "NoVerification",
        })
    }
}

/// The trusted certificates that the certificate of a server was checked against.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Roots {
    /// The certificate authorities of the platform.
    Platform,
    /// The built-in public certificate authorities, because the platform has none.
    BuiltIn,
    /// The certificates of the configured PEM file and no others.
    File,
    /// No certificates, because verification is disabled.
    Unchecked,
}

/// Creates the TLS configuration with ring, without the provider of the process.
pub(crate) fn config(trust: &Trust) -> Result<ClientConfig, TrustProblem> {
    let (verifier, _) = verifier(trust)?;
    client(verifier)
}

/// Creates a TLS configuration with this verifier.
pub(crate) fn client(verifier: Arc<dyn ServerCertVerifier>) -> Result<ClientConfig, TrustProblem> {
    Ok(
        ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| TrustProblem::new(error.to_string()))?
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_no_client_auth(),
    )
}

/// Creates a certificate verifier, and returns it with its roots.
pub(crate) fn verifier(
    trust: &Trust,
) -> Result<(Arc<dyn ServerCertVerifier>, Roots), TrustProblem> {
    let provider = Arc::new(ring::default_provider());
    Ok(match trust {
        // Containers often have no CA certificates, and an error here would also prevent calls to loopback.
        Trust::Platform => match Verifier::new(Arc::clone(&provider)) {
            Ok(platform) => (Arc::new(platform), Roots::Platform),
            Err(_) => (built_in(provider)?, Roots::BuiltIn),
        },
        Trust::Pem(pem) => (with_roots(provider, bundle::roots(pem)?)?, Roots::File),
        Trust::NoVerification => {
            let unchecked = NoVerification(provider.signature_verification_algorithms);
            (Arc::new(unchecked), Roots::Unchecked)
        }
    })
}

fn built_in(provider: Arc<CryptoProvider>) -> Result<Arc<dyn ServerCertVerifier>, TrustProblem> {
    let roots = webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect();
    with_roots(provider, roots)
}

fn with_roots(
    provider: Arc<CryptoProvider>,
    roots: RootCertStore,
) -> Result<Arc<dyn ServerCertVerifier>, TrustProblem> {
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build();
    Ok(verifier.map_err(|error| TrustProblem::new(error.to_string()))?)
}

/// A verifier that accepts every certificate, but still checks that the peer has the private key.
#[derive(Debug)]
struct NoVerification(WebPkiSupportedAlgorithms);

impl ServerCertVerifier for NoVerification {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls12_signature(message, certificate, signed, &self.0)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(message, certificate, signed, &self.0)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_schemes()
    }
}

/// The reason why the certificate of a server was rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CertificateProblem {
    /// The certificate has expired, according to the clock of this machine.
    Expired,
    /// The certificate is not valid yet, according to the clock of this machine.
    NotYetValid,
    /// The certificate is for another host name.
    WrongName,
    /// The certificate was not signed by a trusted authority.
    UnknownAuthority,
    /// Any other problem.
    Other,
}

impl CertificateProblem {
    pub(crate) fn of(error: &rustls::Error) -> Option<Self> {
        let rustls::Error::InvalidCertificate(problem) = error else {
            return None;
        };
        #[expect(
            clippy::wildcard_enum_match_arm,
            reason = "rare problems need no kind of their own"
        )]
        Some(match problem {
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => Self::Expired,
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                Self::NotYetValid
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                Self::WrongName
            }
            CertificateError::UnknownIssuer => Self::UnknownAuthority,
            _ => Self::Other,
        })
    }
}

/// Returns the error of a failed handshake with `host`.
pub(crate) fn error(host: &str, error: &rustls::Error) -> TransportError {
    let (why, hint) = why(error);
    let result = TransportError::tls(host, why);
    match hint {
        Some(hint) => result.with_hint(hint),
        None => result,
    }
}

/// Returns the problem of a handshake, as the end of a sentence, and a hint.
pub(crate) fn why(error: &rustls::Error) -> (Cow<'static, str>, Option<&'static str>) {
    #[expect(clippy::wildcard_enum_match_arm, reason = "rare errors share one text")]
    let (why, hint) = match error {
        rustls::Error::InvalidCertificate(problem) => return why_invalid(problem),
        rustls::Error::InvalidMessage(_) => (
            "it does not use TLS",
            Some("check whether the server expects http"),
        ),
        rustls::Error::AlertReceived(AlertDescription::HandshakeFailure) => (
            "it aborted the handshake",
            Some(
                "check that the server supports TLS 1.2 or 1.3 with a certificate whose key has the type RSA, P-256, P-384 or Ed25519",
            ),
        ),
        rustls::Error::AlertReceived(_) => ("it aborted the handshake", None),
        rustls::Error::PeerIncompatible(_) => ("it supports no secure version of TLS", None),
        _ => ("the handshake failed", None),
    };
    (why.into(), hint)
}

/// Returns the problem of a certificate, as the end of a sentence, and a hint.
fn why_invalid(problem: &CertificateError) -> (Cow<'static, str>, Option<&'static str>) {
    #[expect(clippy::wildcard_enum_match_arm, reason = "rare errors share one text")]
    let (why, hint) = match problem {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            ("its certificate has expired", None)
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => (
            "its certificate is not valid yet",
            Some("check the clock of this machine"),
        ),
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            ("its certificate is for another name", None)
        }
        CertificateError::UnknownIssuer => (
            "its certificate was signed by an untrusted authority",
            Some("set ca_bundle to a file of trusted certificates"),
        ),
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            ("its certificate is not a server certificate", None)
        }
        CertificateError::BadSignature => (
            "its certificate was not signed by the authority that it names",
            Some("check that ca_bundle names the right file"),
        ),
        CertificateError::UnsupportedSignatureAlgorithmContext {
            signature_algorithm_id,
            ..
        } => {
            let why = match algorithms::signature(signature_algorithm_id) {
                Some(name) => {
                    format!("one of its certificates is signed with {name}, which is not supported")
                }
                None => "one of its certificates has an unsupported signature algorithm".to_owned(),
            };
            return (why.into(), Some(algorithms::USE_OTHERS));
        }
        CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext {
            public_key_algorithm_id,
            ..
        } => {
            let why = match algorithms::key(public_key_algorithm_id) {
                Some(name) => format!(
                    "one of its certificates is signed with a key of the type {name}, which is not supported"
                ),
                None => {
                    "one of its certificates is signed with an unsupported type of key".to_owned()
                }
            };
            return (why.into(), Some(algorithms::USE_OTHERS));
        }
        // `Other` contains errors of other crates. Only this one is common: `openssl req -x509` creates such
        // certificates by default.
        CertificateError::Other(other) if other.to_string().contains("CaUsedAsEndEntity") => (
            "its certificate is a CA certificate, not a server certificate",
            Some("create a certificate with basicConstraints CA:FALSE"),
        ),
        CertificateError::Revoked => ("its certificate was revoked", None),
        _ => ("its certificate is not valid", None),
    };
    (why.into(), hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_trust_builds_a_configuration() {
        let provider = Arc::new(ring::default_provider());
        assert!(config(&Trust::Platform).is_ok());
        assert!(config(&Trust::NoVerification).is_ok());
        assert!(built_in(provider).is_ok());
    }
}
