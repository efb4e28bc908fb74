//! Reads a file of trusted certificates, and names the content of a file that has another format.

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use super::algorithms::{USE_OTHERS, element, unsupported_key};
use super::problem::TrustProblem;

const NO_KEY_NEEDED: &str = "name the file with the certificate of the authority (-----BEGIN CERTIFICATE-----); a private key is not needed";
const FROM_DER: &str =
    "run `openssl x509 -inform DER -in FILE -out ca.pem`, and use ca.pem instead of FILE";
const FROM_PKCS12: &str =
    "run `openssl pkcs12 -in FILE -nokeys -out ca.pem`, and use ca.pem instead of FILE";
const FROM_PKCS7: &str =
    "run `openssl pkcs7 -in FILE -print_certs -out ca.pem`, and use ca.pem instead of FILE";
const FROM_PKCS7_DER: &str = "run `openssl pkcs7 -inform DER -in FILE -print_certs -out ca.pem`, and use ca.pem instead of FILE";
const FROM_OTHER_PEM: &str =
    "run `openssl x509 -in FILE -out ca.pem`, and use ca.pem instead of FILE";
const FROM_UTF16: &str =
    "run `iconv -f UTF-16 -t UTF-8 FILE > ca.pem`, and use ca.pem instead of FILE";
const FROM_JKS: &str = "run `keytool -exportcert -rfc -keystore FILE -alias ALIAS -file ca.pem`, and use ca.pem instead of FILE";
const ADD_LINES: &str =
    "add the line -----BEGIN CERTIFICATE----- before it and -----END CERTIFICATE----- after it";

/// The object identifier of signed data in PKCS#7, in DER.
const SIGNED_DATA: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02";

/// Labels in PEM, what follows them, and how to get a file of certificates.
const LABELS: &[(&str, &str, &str)] = &[
    (
        "ENCRYPTED PRIVATE KEY",
        "an encrypted private key (PKCS#8)",
        NO_KEY_NEEDED,
    ),
    ("DSA PRIVATE KEY", "a private key (DSA)", NO_KEY_NEEDED),
    ("EC PRIVATE KEY", "a private key (EC)", NO_KEY_NEEDED),
    ("RSA PRIVATE KEY", "a private key (RSA)", NO_KEY_NEEDED),
    (
        "OPENSSH PRIVATE KEY",
        "a private key (OpenSSH)",
        NO_KEY_NEEDED,
    ),
    ("PRIVATE KEY", "a private key (PKCS#8)", NO_KEY_NEEDED),
    ("RSA PUBLIC KEY", "a public key", NO_KEY_NEEDED),
    ("PUBLIC KEY", "a public key", NO_KEY_NEEDED),
    ("PKCS7", "a PKCS#7 bundle", FROM_PKCS7),
    ("CMS", "a PKCS#7 bundle", FROM_PKCS7),
    (
        "TRUSTED CERTIFICATE",
        "a certificate in the format of OpenSSL",
        FROM_OTHER_PEM,
    ),
    (
        "X509 CERTIFICATE",
        "a certificate with an old label",
        FROM_OTHER_PEM,
    ),
    (
        "CERTIFICATE REQUEST",
        "a certificate request",
        "name the file with the certificate of the authority that signed the request",
    ),
    (
        "NEW CERTIFICATE REQUEST",
        "a certificate request",
        "name the file with the certificate of the authority that signed the request",
    ),
    (
        "X509 CRL",
        "a certificate revocation list",
        "name the file with the certificate of the authority",
    ),
];

/// Parses the certificates of a file in PEM. Private keys and other entries are ignored.
pub(super) fn roots(file: &[u8]) -> Result<RootCertStore, TrustProblem> {
    let file = file.strip_prefix(b"\xef\xbb\xbf").unwrap_or(file);
    if file.trim_ascii().is_empty() {
        return Err(TrustProblem::new("it is empty"));
    }
    let Ok(text) = std::str::from_utf8(file) else {
        return Err(binary(file));
    };
    // Binary files can consist of ASCII characters.
    if text.contains('\0') {
        return Err(binary(file));
    }
    let mut roots = RootCertStore::empty();
    let mut unsupported = None;
    let certificates = certificates(text);
    for (at, certificate) in CertificateDer::pem_slice_iter(certificates.as_bytes()).enumerate() {
        let certificate = certificate.map_err(|_| TrustProblem::new("it is not valid PEM"))?;
        if let Some(key) = unsupported_key(&certificate) {
            unsupported = Some(key);
        }
        roots.add(certificate).map_err(|_| {
            let number = at + 1;
            TrustProblem::new(format!(
                "it contains an invalid certificate (number {number} in the file)"
            ))
        })?;
    }
    match unsupported {
        // Other certificates of a bundle can still be used.
        Some(key) if roots.len() == 1 => Err(TrustProblem::new(format!(
            "the key of its certificate has the type {key}, which is not supported"
        ))
        .with_hint(USE_OTHERS)),
        _ if roots.is_empty() => Err(no_certificate(text)),
        _ => Ok(roots),
    }
}

/// Returns the parts of a text that are certificates. The parser would reject the header lines of an encrypted private
/// key.
fn certificates(text: &str) -> String {
    let mut certificates = String::new();
    let mut is_inside = false;
    for line in text.lines().map(str::trim) {
        is_inside |= line == "-----BEGIN CERTIFICATE-----";
        if is_inside {
            certificates.push_str(line);
            certificates.push('\n');
        }
        is_inside &= line != "-----END CERTIFICATE-----";
    }
    certificates
}

/// Names the content of a text without a certificate.
fn no_certificate(text: &str) -> TrustProblem {
    let mut lines = text.lines().map(str::trim);
    let label = lines.find_map(|line| {
        let label = line.strip_prefix("-----BEGIN ")?;
        label.strip_suffix("-----")
    });
    let Some(label) = label else {
        if text.contains(r"-----BEGIN CERTIFICATE-----\n") {
            return TrustProblem::new("its line breaks are written as \\n")
                .with_hint("replace each \\n with a line break");
        }
        let missing = "it contains no certificate in PEM (-----BEGIN CERTIFICATE-----)";
        let problem = TrustProblem::new(missing);
        // Base64 of a certificate begins with these letters.
        return if text.trim_start().starts_with("MII") {
            problem.with_hint(ADD_LINES)
        } else {
            problem
        };
    };
    let is_encrypted = lines
        .next()
        .is_some_and(|line| line.starts_with("Proc-Type:"));
    let known = LABELS.iter().find(|(known, ..)| *known == label);
    match known {
        Some((_, _, hint)) if is_encrypted => {
            TrustProblem::new("it contains an encrypted private key (DEK-Info) and no certificate")
                .with_hint(hint)
        }
        Some((_, what, hint)) => {
            TrustProblem::new(format!("it contains {what} and no certificate")).with_hint(hint)
        }
        // The label is text of a file that can be any file.
        None => TrustProblem::new("it contains PEM of another kind and no certificate"),
    }
}

/// Names the content of a binary file.
fn binary(file: &[u8]) -> TrustProblem {
    if file.starts_with(b"\xff\xfe") || file.starts_with(b"\xfe\xff") {
        return TrustProblem::new("it is UTF-16 text, not UTF-8").with_hint(FROM_UTF16);
    }
    if file.starts_with(b"\xfe\xed\xfe\xed") {
        return TrustProblem::new("it is a Java key store, not PEM").with_hint(FROM_JKS);
    }
    let Some((content, _)) = element(file, 0x30) else {
        return TrustProblem::new("it is a binary file, not PEM");
    };
    let is_integer = |wanted: u8| {
        let first = element(content, 0x02);
        first.is_some_and(|(number, _)| number == [wanted])
    };
    if RootCertStore::empty()
        .add(CertificateDer::from(file.to_vec()))
        .is_ok()
    {
        TrustProblem::new("it is a certificate in DER, not PEM").with_hint(FROM_DER)
    } else if content.starts_with(SIGNED_DATA) {
        TrustProblem::new("it is a PKCS#7 bundle in DER, not PEM").with_hint(FROM_PKCS7_DER)
    } else if is_integer(3) {
        TrustProblem::new("it is a PKCS#12 archive, not PEM").with_hint(FROM_PKCS12)
    } else if is_integer(0) || is_integer(1) {
        TrustProblem::new("it is a private key in DER, not a certificate").with_hint(NO_KEY_NEEDED)
    } else {
        TrustProblem::new("it is a file in DER, but not a certificate")
    }
}
