//! Servers with a wrong identity or without one.

use std::sync::Arc;

use hh_transport::{Idempotency, ReqwestOptions, ReqwestService, SendOptions, TransportErrorKind};
use rcgen::{ExtendedKeyUsagePurpose, date_time_ymd};
use tokio_rustls::rustls::ServerConfig;

use crate::canary::{Canary, KEY, all_text};
use crate::certificates::{Authority, self_signed};
use crate::server::{Server, answer};
use crate::{post, service, transport_of};

/// Invalid servers and the expected messages.
fn bad_servers(authority: &Authority) -> [(Arc<ServerConfig>, &'static str); 7] {
    let not_trusted = "its certificate was signed by an untrusted authority; set ca_bundle to a file of trusted certificates";
    [
        (self_signed("localhost"), not_trusted),
        (Authority::new("another").server("localhost"), not_trusted),
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

fn trusting(authority: &Authority) -> ReqwestService {
    service(&ReqwestOptions::new().with_ca_bundle(authority.pem()))
}

#[tokio::test]
async fn a_bad_certificate_gets_no_request() {
    let authority = Authority::new("ours");
    let transport = transport_of(trusting(&authority), 4);
    for (config, why) in bad_servers(&authority) {
        let server = Server::start_tls(config, [answer("200 OK", "", "hello")]).await;
        let how = SendOptions::new(Idempotency::Safe).with_authorizer(&Canary(KEY));
        let sent = transport.send(post(&server.url, "{}"), how).await;
        let error = sent.unwrap_err();
        assert_eq!(error.kind(), TransportErrorKind::Tls, "{why}: {error}");
        let message = format!("cannot set up TLS with {}: {why}", server.host());
        assert_eq!(error.to_line(), message);
        assert!(error.is_certainly_unsent());
        assert_eq!(error.attempts().len(), 1);
        assert!(!all_text(&error).contains(KEY));
        server.ended(1).await;
        assert_eq!((server.connections(), server.requests()), (1, vec![]));
    }
}

/// The servers are valid except for their certificates.
#[tokio::test]
async fn without_verification_every_certificate_is_accepted() {
    let authority = Authority::new("ours");
    let transport = transport_of(service(&ReqwestOptions::new().without_verification()), 1);
    for (config, why) in bad_servers(&authority) {
        let server = Server::start_tls(config, [answer("200 OK", "", "hello")]).await;
        let how = SendOptions::new(Idempotency::Unsafe);
        let response = transport.send(post(&server.url, "{}"), how).await;
        assert_eq!(response.expect(why).body(), "hello");
        assert_eq!(server.bodies(), [b"{}"]);
    }
}

#[tokio::test]
async fn a_bundle_is_trusted_and_nothing_else() {
    let (authority, other) = (Authority::new("ours"), Authority::new("another"));
    let both = other.pem() + &authority.pem();
    for (pem, is_trusted) in [(authority.pem(), true), (both, true), (other.pem(), false)] {
        let config = authority.server("localhost");
        let server = Server::start_tls(config, [answer("200 OK", "", "hello")]).await;
        let options = ReqwestOptions::new().with_ca_bundle(pem);
        let transport = transport_of(service(&options), 1);
        let how = SendOptions::new(Idempotency::Unsafe);
        let sent = transport.send(post(&server.url, "{}"), how).await;
        assert_eq!(sent.is_ok(), is_trusted, "{sent:?}");
    }
}

/// The platform does not trust the private authority.
#[tokio::test]
async fn the_platform_rejects_unknown_authorities() {
    let config = Authority::new("another").server("localhost");
    let server = Server::start_tls(config, [answer("200 OK", "", "hello")]).await;
    let transport = transport_of(service(&ReqwestOptions::new()), 4);
    let how = SendOptions::new(Idempotency::Safe);
    let error = transport
        .send(post(&server.url, ""), how)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), TransportErrorKind::Tls, "{error}");
    server.ended(1).await;
    assert_eq!((server.connections(), server.requests()), (1, vec![]));
}

#[tokio::test]
async fn a_server_of_plain_http_gets_no_request() {
    let authority = Authority::new("ours");
    let replies = [
        "HTTP/1.1 400 Bad Request\r\n\r\n",
        "<html>",
        "SSH-2.0-x\r\n",
    ];
    for reply in replies {
        let reply = crate::server::Reply::Bytes(reply.into());
        let server = Server::start([reply]).await;
        let url = format!("https://localhost:{}/", server.address.port());
        let transport = transport_of(trusting(&authority), 4);
        let how = SendOptions::new(Idempotency::Safe).with_authorizer(&Canary(KEY));
        let error = transport.send(post(&url, "{}"), how).await.unwrap_err();
        assert_eq!(error.kind(), TransportErrorKind::Tls);
        let message = format!(
            "cannot set up TLS with localhost:{}: it does not use TLS; check whether the server expects http",
            server.address.port()
        );
        assert_eq!(error.to_line(), message);
        assert_eq!(
            (error.is_certainly_unsent(), error.attempts().len()),
            (true, 1)
        );
        // The server only read the TLS ClientHello, which contains nothing secret.
        let seen = server.requests();
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
        let server = Server::start([crate::server::Reply::Bytes(bytes)]).await;
        let url = format!("https://localhost:{}/", server.address.port());
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
