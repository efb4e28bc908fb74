//! Servers with a wrong identity or without one.

use std::sync::Arc;

use hh_testing::ServerConfig;
use hh_testing::rcgen::{ExtendedKeyUsagePurpose, date_time_ymd};
use hh_testing::{CertificateAuthority, HttpServer, Reply, SelfSigned, response, server_config};
use hh_transport::{Idempotency, ReqwestOptions, ReqwestService, SendOptions, TransportErrorKind};

use crate::bundles::file;
use crate::canary::{Canary, KEY, all_text};
use crate::{post, service, transport_of};

/// What is wrong with a server, and how the message says so.
fn bad_servers(authority: &CertificateAuthority) -> [(Arc<ServerConfig>, &'static str); 7] {
    let not_trusted = "its certificate was signed by an untrusted authority; set ca_bundle to a file of trusted certificates";
    [
        (SelfSigned::new(&["localhost"]).config, not_trusted),
        (
            CertificateAuthority::new("another").server("localhost"),
            not_trusted,
        ),
        (
            authority.server_with("localhost", |params| {
                params.not_after = date_time_ymd(2001, 1, 1);
            }),
            "its certificate has expired",
        ),
        (
            authority.server_with("localhost", |params| {
                params.not_before = date_time_ymd(4000, 1, 1);
            }),
            "its certificate is not valid yet; check the clock of this machine",
        ),
        (
            authority.server("localhost.evil.test"),
            "its certificate is for another name",
        ),
        (
            authority.server("127.0.0.1"),
            "its certificate is for another name",
        ),
        (
            authority.server_with("localhost", |params| {
                params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
            }),
            "its certificate is not a server certificate",
        ),
    ]
}

/// The server has a supported key, and its certificate is signed with an unsupported algorithm.
#[tokio::test]
async fn an_unsupported_signature_of_a_certificate_is_named() {
    let not_supported = "which is not supported; issue the certificates with SHA-256 or SHA-384 and keys of the type RSA, P-256, P-384 or Ed25519";
    for (certificate, authority, why) in [
        (
            file!("signed-rsa-sha1.pem"),
            file!("rsa.pem"),
            "signed with SHA-1 and RSA",
        ),
        (
            file!("signed-rsa-md5.pem"),
            file!("rsa.pem"),
            "signed with MD5 and RSA",
        ),
        (
            file!("signed-p256-sha1.pem"),
            file!("p256.pem"),
            "signed with SHA-1 and ECDSA",
        ),
        (
            file!("signed-p521-sha512.pem"),
            file!("p521.pem"),
            "signed with SHA-512 and ECDSA",
        ),
        (
            file!("signed-p521-sha256.pem"),
            file!("p521.pem"),
            "signed with a key of the type P-521",
        ),
        (
            file!("signed-secp256k1.pem"),
            file!("secp256k1.pem"),
            "signed with a key of the type secp256k1",
        ),
        (
            file!("signed-ed448.pem"),
            file!("ed448.pem"),
            "signed with Ed448",
        ),
        (
            file!("signed-dsa.pem"),
            file!("dsa.pem"),
            "signed with SHA-256 and DSA",
        ),
    ] {
        let config = server_config(certificate, file!("server.key"));
        let server = HttpServer::start_tls(config, [response("200 OK", "", "hello")]);
        // A second authority, because a file with an unsupported one alone is an error.
        let both = [authority, file!("rsa.pem")].concat();
        let options = ReqwestOptions::new().with_ca_bundle(both);
        let transport = transport_of(service(&options), 1);
        let how = SendOptions::new(Idempotency::Safe).with_authorizer(&Canary(KEY));
        let error = transport.send(post(server.url(), "{}"), how).await;
        let error = error.unwrap_err();
        assert_eq!(error.kind(), TransportErrorKind::Tls, "{why}: {error}");
        let message = format!(
            "cannot set up TLS with {}: one of its certificates is {why}, {not_supported}",
            server.host()
        );
        assert_eq!(error.to_line(), message);
        assert!(server.request_texts().is_empty());
    }
}

fn trusting(authority: &CertificateAuthority) -> ReqwestService {
    service(&ReqwestOptions::new().with_ca_bundle(authority.pem()))
}

#[tokio::test]
async fn a_bad_certificate_gets_no_request() {
    let authority = CertificateAuthority::new("ours");
    let transport = transport_of(trusting(&authority), 4);
    for (config, why) in bad_servers(&authority) {
        let server = HttpServer::start_tls(config, [response("200 OK", "", "hello")]);
        let how = SendOptions::new(Idempotency::Safe).with_authorizer(&Canary(KEY));
        let sent = transport.send(post(server.url(), "{}"), how).await;
        let error = sent.unwrap_err();
        assert_eq!(error.kind(), TransportErrorKind::Tls, "{why}: {error}");
        let message = format!("cannot set up TLS with {}: {why}", server.host());
        assert_eq!(error.to_line(), message);
        assert!(error.is_certainly_unsent());
        assert_eq!(error.attempts().len(), 1);
        assert!(!all_text(&error).contains(KEY));
        server.wait_for_closed(1).await;
        assert_eq!((server.connections(), server.request_texts()), (1, vec![]));
    }
}

/// The servers are valid except for their certificates.
#[tokio::test]
async fn without_verification_every_certificate_is_accepted() {
    let authority = CertificateAuthority::new("ours");
    let transport = transport_of(service(&ReqwestOptions::new().without_verification()), 1);
    for (config, why) in bad_servers(&authority) {
        let server = HttpServer::start_tls(config, [response("200 OK", "", "hello")]);
        let how = SendOptions::new(Idempotency::Unsafe);
        let response = transport.send(post(server.url(), "{}"), how).await;
        assert_eq!(response.expect(why).body(), "hello");
        assert_eq!(server.bodies(), [b"{}"]);
    }
}

#[tokio::test]
async fn a_bundle_is_trusted_and_nothing_else() {
    let (authority, other) = (
        CertificateAuthority::new("ours"),
        CertificateAuthority::new("another"),
    );
    let both = other.pem() + &authority.pem();
    for (pem, is_trusted) in [(authority.pem(), true), (both, true), (other.pem(), false)] {
        let config = authority.server("localhost");
        let server = HttpServer::start_tls(config, [response("200 OK", "", "hello")]);
        let options = ReqwestOptions::new().with_ca_bundle(pem);
        let transport = transport_of(service(&options), 1);
        let how = SendOptions::new(Idempotency::Unsafe);
        let sent = transport.send(post(server.url(), "{}"), how).await;
        assert_eq!(sent.is_ok(), is_trusted, "{sent:?}");
    }
}

/// The platform does not trust the private authority.
#[tokio::test]
async fn the_platform_rejects_unknown_authorities() {
    let config = CertificateAuthority::new("another").server("localhost");
    let server = HttpServer::start_tls(config, [response("200 OK", "", "hello")]);
    let transport = transport_of(service(&ReqwestOptions::new()), 4);
    let how = SendOptions::new(Idempotency::Safe);
    let error = transport
        .send(post(server.url(), ""), how)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), TransportErrorKind::Tls, "{error}");
    server.wait_for_closed(1).await;
    assert_eq!((server.connections(), server.request_texts()), (1, vec![]));
}

#[tokio::test]
async fn a_server_of_plain_http_gets_no_request() {
    let authority = CertificateAuthority::new("ours");
    let replies = [
        "HTTP/1.1 400 Bad Request\r\n\r\n",
        "<html>",
        "SSH-2.0-x\r\n",
    ];
    for reply in replies {
        let reply = Reply::Bytes(reply.into());
        let server = HttpServer::start([reply]);
        let url = format!("https://localhost:{}/", server.address().port());
        let transport = transport_of(trusting(&authority), 4);
        let how = SendOptions::new(Idempotency::Safe).with_authorizer(&Canary(KEY));
        let error = transport.send(post(&url, "{}"), how).await.unwrap_err();
        assert_eq!(error.kind(), TransportErrorKind::Tls);
        let message = format!(
            "cannot set up TLS with localhost:{}: it does not use TLS; check whether the server expects http",
            server.address().port()
        );
        assert_eq!(error.to_line(), message);
        assert_eq!(
            (error.is_certainly_unsent(), error.attempts().len()),
            (true, 1)
        );
        // What the server read is the greeting of TLS, which names the host and nothing else.
        let seen = server.request_texts();
        assert_eq!(seen.len(), 1);
        assert!(seen[0].contains("localhost") && !seen[0].contains(KEY));
        assert!(!seen[0].contains("POST"));
    }
}

/// Alerts of a server that does not accept the name, the version or the ciphers.
#[tokio::test]
async fn a_server_that_breaks_off_with_an_alert_is_final() {
    let alerts = [(40, "handshake failure"), (70, "version"), (112, "name")];
    for (alert, name) in alerts {
        let bytes = vec![0x15, 3, 3, 0, 2, 2, alert];
        let server = HttpServer::start([Reply::Bytes(bytes)]);
        let url = format!("https://localhost:{}/", server.address().port());
        let transport = transport_of(service(&ReqwestOptions::new()), 4);
        let how = SendOptions::new(Idempotency::Safe);
        let error = transport.send(post(&url, "{}"), how).await.unwrap_err();
        assert_eq!(error.kind(), TransportErrorKind::Tls, "{name}: {error}");
        assert!(error.to_string().ends_with(": it aborted the handshake"));
        assert_eq!(
            (error.is_certainly_unsent(), error.attempts().len()),
            (true, 1)
        );
    }
}
