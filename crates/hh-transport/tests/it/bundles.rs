//! Files of trusted certificates that have another format or contain something else.

use hh_testing::CertificateAuthority;
use hh_transport::{ReqwestOptions, ReqwestService, TransportErrorKind};

macro_rules! file {
    ($name:literal) => {
        include_bytes!(concat!("../files/", $name)).as_slice()
    };
}
pub(crate) use file;

const NO_KEY: &str = "name the file with the certificate of the authority (-----BEGIN CERTIFICATE-----); a private key is not needed";
const OTHER_KEYS: &str = "issue the certificates with SHA-256 or SHA-384 and keys of the type RSA, P-256, P-384 or Ed25519";

/// Returns the message after its common beginning, and the hint.
fn refused(file: &[u8]) -> (String, Option<&'static str>) {
    let options = ReqwestOptions::new().with_ca_bundle(file);
    let error = ReqwestService::new(&options).unwrap_err();
    assert_eq!(error.kind(), TransportErrorKind::Tls, "{error}");
    let why = error.to_string();
    let why = why.strip_prefix("cannot use the file of trusted certificates: ");
    (why.unwrap().to_owned(), error.hint())
}

#[test]
fn files_in_another_format_are_named_with_the_command_that_converts_them() {
    for (file, why, command) in [
        (
            file!("p256.der"),
            "it is a certificate in DER, not PEM",
            "openssl x509 -inform DER -in FILE -out ca.pem",
        ),
        (
            file!("p256.p12"),
            "it is a PKCS#12 archive, not PEM",
            "openssl pkcs12 -in FILE -nokeys -out ca.pem",
        ),
        (
            file!("key.p12"),
            "it is a PKCS#12 archive, not PEM",
            "openssl pkcs12 -in FILE -nokeys -out ca.pem",
        ),
        (
            file!("p256.p7b"),
            "it is a PKCS#7 bundle in DER, not PEM",
            "openssl pkcs7 -inform DER -in FILE -print_certs -out ca.pem",
        ),
        (
            file!("p256.p7b.pem"),
            "it contains a PKCS#7 bundle and no certificate",
            "openssl pkcs7 -in FILE -print_certs -out ca.pem",
        ),
        (
            file!("p256.trusted.pem"),
            "it contains a certificate in the format of OpenSSL and no certificate",
            "openssl x509 -in FILE -out ca.pem",
        ),
        (
            b"\xfe\xed\xfe\xed\x00\x00\x00\x02",
            "it is a Java key store, not PEM",
            "keytool -exportcert -rfc -keystore FILE -alias ALIAS -file ca.pem",
        ),
    ] {
        let (seen, hint) = refused(file);
        assert_eq!(seen, why);
        let expected = format!("run `{command}`, and use ca.pem instead of FILE");
        assert_eq!(hint, Some(expected.as_str()));
    }
    let pem = CertificateAuthority::new("ours").pem();
    let (why, hint) = refused(&utf16(&pem));
    assert_eq!(why, "it is UTF-16 text, not UTF-8");
    assert!(hint.unwrap().contains("iconv -f UTF-16"), "{hint:?}");
}

fn utf16(text: &str) -> Vec<u8> {
    let units = std::iter::once(0xfeff).chain(text.encode_utf16());
    units.flat_map(u16::to_le_bytes).collect()
}

#[test]
fn private_keys_in_place_of_certificates_are_named() {
    for (file, why) in [
        (
            file!("encrypted-pkcs8.key"),
            "it contains an encrypted private key (PKCS#8) and no certificate",
        ),
        (
            file!("dek-info.key"),
            "it contains an encrypted private key (DEK-Info) and no certificate",
        ),
        (
            file!("server.key"),
            "it contains a private key (PKCS#8) and no certificate",
        ),
        (
            file!("dsa.key"),
            "it contains a private key (PKCS#8) and no certificate",
        ),
        (
            file!("secp256k1.key"),
            "it contains a private key (EC) and no certificate",
        ),
        (
            file!("p256.key.der"),
            "it is a private key in DER, not a certificate",
        ),
    ] {
        assert_eq!(refused(file), (why.to_owned(), Some(NO_KEY)));
    }
}

#[test]
fn other_contents_are_named() {
    let (why, hint) = refused(file!("server.csr"));
    assert_eq!(why, "it contains a certificate request and no certificate");
    assert!(hint.is_some());
    for (file, why) in [
        ("", "it is empty"),
        (" \r\n\t\n", "it is empty"),
        ("\u{feff}", "it is empty"),
        (
            "not PEM",
            "it contains no certificate in PEM (-----BEGIN CERTIFICATE-----)",
        ),
        (
            "-----BEGIN hidden-word-----\nAAAA\n-----END hidden-word-----\n",
            "it contains PEM of another kind and no certificate",
        ),
        ("-----BEGIN CERTIFICATE-----\n", "it is not valid PEM"),
        (
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            "it contains an invalid certificate (number 1 in the file)",
        ),
        ("\u{0}\u{1}", "it is a binary file, not PEM"),
    ] {
        assert_eq!(refused(file.as_bytes()), (why.to_owned(), None), "{file:?}");
    }
    let pem = CertificateAuthority::new("ours").pem();
    let escaped = pem.replace('\n', "\\n");
    let (why, hint) = refused(escaped.as_bytes());
    assert_eq!(why, r"its line breaks are written as \n");
    assert_eq!(hint, Some(r"replace each \n with a line break"));
    let lines: Vec<_> = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let (why, hint) = refused(lines.join("\n").as_bytes());
    assert!(
        why.starts_with("it contains no certificate in PEM"),
        "{why}"
    );
    assert!(
        hint.unwrap().starts_with("add the line -----BEGIN"),
        "{hint:?}"
    );
}

#[test]
fn an_authority_with_an_unsupported_key_is_named() {
    for (file, key) in [
        (file!("p521.pem"), "P-521"),
        (file!("secp256k1.pem"), "secp256k1"),
        (file!("ed448.pem"), "Ed448"),
        (file!("dsa.pem"), "DSA"),
        (file!("rsa1024.pem"), "RSA with fewer than 2048 bits"),
    ] {
        let why = format!("the key of its certificate has the type {key}, which is not supported");
        assert_eq!(refused(file), (why, Some(OTHER_KEYS)));
        // Other certificates of a file can still be used.
        let other = CertificateAuthority::new("ours").pem();
        let both = [file, other.as_bytes()].concat();
        let options = ReqwestOptions::new().with_ca_bundle(both);
        assert!(ReqwestService::new(&options).is_ok(), "{key}");
    }
}

#[test]
fn usual_files_are_accepted() {
    let pem = CertificateAuthority::new("ours").pem();
    let key = std::str::from_utf8(file!("server.key")).unwrap();
    let encrypted = std::str::from_utf8(file!("dek-info.key")).unwrap();
    for file in [
        pem.clone(),
        format!("\u{feff}{pem}"),
        pem.replace('\n', "\r\n"),
        format!("# Our authority\n\nSubject: CN = ours\n{pem}"),
        format!("{key}{pem}"),
        format!("{encrypted}{pem}"),
        std::str::from_utf8(file!("rsa.pem")).unwrap().to_owned(),
    ] {
        let options = ReqwestOptions::new().with_ca_bundle(file.clone());
        assert!(ReqwestService::new(&options).is_ok(), "{file}");
    }
}
