//! The stages of a request, with the same rules as real requests.

use std::time::{Duration, Instant, SystemTime};

use hh_testing::rcgen::date_time_ymd;
use hh_testing::{CertificateAuthority, FilteredPort, HttpServer, Reply, response};
use hh_transport::{
    Certificate, CertificateProblem, Probe, ProxyOptions, ReqwestOptions, Roots, TransportError,
    TransportErrorKind,
};

fn probe(options: &ReqwestOptions, url: &str) -> Probe {
    let options = options
        .clone()
        .with_connect_timeout(Duration::from_secs(20));
    Probe::new(&options, &url.parse().unwrap()).unwrap()
}

/// Connects to the first address and performs the TLS handshake.
async fn certificate(probe: &Probe) -> Certificate {
    let addresses = probe.resolve().await.unwrap();
    let (_, connected) = probe.connect(&addresses[..1]).await.remove(0);
    let connection = probe.tunnel(connected.unwrap()).await.unwrap();
    let handshake = probe.handshake(connection).await.unwrap();
    assert!(handshake.error.is_none(), "{handshake:?}");
    assert_eq!(handshake.version, Some("TLS 1.3"));
    handshake.certificate.unwrap()
}

fn proxied(proxy: &HttpServer, scheme: &str, pem: String) -> ReqwestOptions {
    let url = format!(
        "{scheme}://user:hidden-word@localhost:{}",
        proxy.address().port()
    );
    let proxy = ProxyOptions::parse(&url).unwrap();
    ReqwestOptions::new().with_ca_bundle(pem).with_proxy(proxy)
}

#[tokio::test]
async fn this_machine_and_addresses_are_found_without_asking() {
    for (url, expected) in [
        ("http://localhost:7", "127.0.0.1:7, [::1]:7"),
        ("http://127.0.0.1:7", "127.0.0.1:7"),
        ("https://[::1]", "[::1]:443"),
        ("https://192.0.2.1:8443/path", "192.0.2.1:8443"),
    ] {
        let found = probe(&ReqwestOptions::new(), url).resolve().await.unwrap();
        let found: Vec<_> = found.iter().map(ToString::to_string).collect();
        assert_eq!(found.join(", "), expected);
    }
}

#[tokio::test]
async fn a_certificate_names_its_subject() {
    let authority = CertificateAuthority::new("ours");
    let config = authority.server("localhost");
    let server = HttpServer::start_tls(config, [response("200 OK", "", "")]);
    let options = ReqwestOptions::new().with_ca_bundle(authority.pem());
    let certificate = certificate(&probe(&options, server.url())).await;
    assert_eq!(certificate.names, ["localhost"]);
    assert_eq!(certificate.issuer, "CN=ours");
    assert!(!certificate.is_self_signed);
    let now = SystemTime::now();
    assert!(certificate.not_before < now && now < certificate.not_after);
    // A greeting is all that was sent.
    server.wait_for_closed(1).await;
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn the_name_of_an_authority_is_safe_to_show() {
    let authority = CertificateAuthority::new(&format!(
        "a\u{202e}\u{9b}31m\u{200b}\nb {}",
        "x".repeat(600)
    ));
    let config = authority.server("localhost");
    let server = HttpServer::start_tls(config, [response("200 OK", "", "")]);
    let options = ReqwestOptions::new().with_ca_bundle(authority.pem());
    let issuer = certificate(&probe(&options, server.url())).await.issuer;
    assert!(
        issuer.starts_with("CN=a") && issuer.ends_with("x…"),
        "{issuer}"
    );
    assert!(!issuer.contains(hh_text::is_unsafe), "{issuer:?}");
    assert_eq!(issuer.chars().count(), 500);
}

#[tokio::test]
async fn a_bad_certificate_is_shown_with_what_is_wrong() {
    let authority = CertificateAuthority::new("ours");
    let expired = authority.server_with("localhost", |params| {
        params.not_after = date_time_ymd(2001, 1, 1);
    });
    for (config, problem, issuer) in [
        (expired, CertificateProblem::Expired, "CN=ours"),
        (
            authority.server("a.test"),
            CertificateProblem::WrongName,
            "CN=ours",
        ),
        (
            CertificateAuthority::new("another").server("localhost"),
            CertificateProblem::UnknownAuthority,
            "CN=another",
        ),
    ] {
        let server = HttpServer::start_tls(config, [response("200 OK", "", "")]);
        let options = ReqwestOptions::new().with_ca_bundle(authority.pem());
        let probe = probe(&options, server.url());
        let addresses = probe.resolve().await.unwrap();
        let (_, connected) = probe.connect(&addresses[..1]).await.remove(0);
        let handshake = probe.handshake(connected.unwrap()).await.unwrap();
        let error = handshake.error.unwrap();
        assert_eq!(error.kind(), TransportErrorKind::Tls);
        assert_eq!(
            (handshake.problem, handshake.roots),
            (Some(problem), Roots::File)
        );
        assert_eq!(handshake.certificate.unwrap().issuer, issuer);
    }
}

/// The certificate of the server is checked, whether the proxy itself uses TLS or not.
#[tokio::test]
async fn the_way_through_a_proxy() {
    const CONNECTED: &[u8] = b"HTTP/1.1 200 Connection established\r\nX: y\r\n\r\n";
    let authority = CertificateAuthority::new("ours");
    let config = authority.server("api.test");
    let server = HttpServer::start_tls(config, [response("200 OK", "", "")]);
    let reply = || [Reply::Tunnel(CONNECTED.to_vec(), server.address())];
    let plain = HttpServer::start(reply());
    let secure = HttpServer::start_tls(authority.server("localhost"), reply());
    for (proxy, scheme) in [(plain, "http"), (secure, "https")] {
        let probe = probe(
            &proxied(&proxy, scheme, authority.pem()),
            "https://api.test/",
        );
        let shown = format!("localhost:{}", proxy.address().port());
        assert_eq!(probe.proxy(), Some(shown.as_str()));
        assert_eq!(certificate(&probe).await.names, ["api.test"]);
        let asked = proxy.request_texts().remove(0);
        // dXNlcjpoaWRkZW4td29yZA== is user:hidden-word
        assert!(
            asked.starts_with("CONNECT api.test:443 HTTP/1.1\r\nHost: api.test:443\r\n"),
            "{asked}"
        );
        assert!(
            asked.contains("Proxy-Authorization: Basic dXNlcjpoaWRkZW4td29yZA=="),
            "{asked}"
        );
        let debug = format!("{probe:?}");
        assert!(
            !debug.contains("hidden-word") && !debug.contains("user"),
            "{debug}"
        );
    }
}

#[tokio::test]
async fn a_proxy_that_does_not_connect() {
    let authority = CertificateAuthority::new("ours");
    for (reply, why) in [
        (
            "HTTP/1.1 407 Who?\r\n\r\n",
            "rejected the user name or password (407)",
        ),
        (
            "HTTP/1.1 403 No\r\n\r\n",
            "refused to connect to the server (status 403)",
        ),
        ("SSH-2.0-x\r\n\r\n", "did not respond as a proxy"),
        ("HTTP/1.1 2", "cannot be reached: unexpected end of file"),
    ] {
        let proxy = HttpServer::start([Reply::Bytes(reply.into())]);
        let probe = probe(
            &proxied(&proxy, "http", authority.pem()),
            "https://api.test/",
        );
        let addresses = probe.resolve().await.unwrap();
        let (_, connected) = probe.connect(&addresses[..1]).await.remove(0);
        let error = probe.tunnel(connected.unwrap()).await.unwrap_err();
        assert_eq!(error.kind(), TransportErrorKind::Proxy);
        assert!(error.to_string().ends_with(why), "{error}");
        assert!(!format!("{error:?}").contains("hidden-word"));
    }
    // A proxy that speaks TLS has to be trusted as well.
    let other = CertificateAuthority::new("another").server("localhost");
    let proxy = HttpServer::start_tls(other, [response("200 OK", "", "")]);
    let probe = probe(
        &proxied(&proxy, "https", authority.pem()),
        "https://api.test/",
    );
    let addresses = probe.resolve().await.unwrap();
    let (_, connected) = probe.connect(&addresses[..1]).await.remove(0);
    let error = probe.tunnel(connected.unwrap()).await.unwrap_err();
    assert!(
        error
            .to_string()
            .contains("cannot be trusted: its certificate was signed by an untrusted authority"),
        "{error}"
    );
}

#[tokio::test]
async fn any_answer_is_taken() {
    for (status, headers, body, expected) in [
        (
            "200 OK",
            "content-type: text/html; charset=utf-8\r\n",
            "",
            (200, true),
        ),
        ("404 Not Found", "", "{}", (404, false)),
        ("500 Oh", "", "  <html>", (500, true)),
    ] {
        let date = "date: Sun, 06 Nov 1994 08:49:37 GMT\r\nlocation: /x\r\n";
        let server = HttpServer::start([response(status, &format!("{headers}{date}"), body)]);
        let probe = probe(&ReqwestOptions::new(), &format!("{}/base", server.url()));
        let found = probe.get("/api/v1/health?x").await.unwrap();
        assert_eq!((found.status, found.is_html), expected);
        let date = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        assert_eq!(
            (found.date, found.location.as_deref()),
            (Some(date), Some("/x"))
        );
        assert!(server.request_texts()[0].starts_with("GET /api/v1/health?x HTTP/1.1\r\n"));
    }
}

#[test]
fn no_way_leads_out_in_the_clear() {
    let url = "http://api.test/".parse().unwrap();
    let error = Probe::new(&ReqwestOptions::new(), &url).unwrap_err();
    assert_eq!(error.kind(), TransportErrorKind::Insecure);
}

/// A host with several addresses, of which the first ones are unreachable.
#[tokio::test]
async fn one_reachable_address_is_enough() {
    let silent = FilteredPort::new();
    let port = silent.address().port();
    let server = HttpServer::at(&format!("127.0.0.2:{port}"), |_| {
        response("204 No Content", "", "")
    });
    let probe = probe(&ReqwestOptions::new(), &format!("http://localhost:{port}"));
    let unused = format!("[::1]:{port}").parse().unwrap();
    let all = [silent.address(), unused, server.address()];
    let start = Instant::now();
    let connected = probe.connect(&all).await;
    // The other addresses get a short time, not the whole limit of a stage.
    assert!(start.elapsed() < Duration::from_secs(20), "the limit");
    let addresses: Vec<_> = connected.iter().map(|(address, _)| *address).collect();
    assert_eq!(addresses, all);
    let errors = connected
        .iter()
        .map(|(_, connected)| connected.as_ref().err());
    let kinds: Vec<_> = errors
        .map(|error| error.map(TransportError::kind))
        .collect();
    assert_eq!(
        kinds,
        [
            Some(TransportErrorKind::Timeout),
            Some(TransportErrorKind::Unreachable),
            None
        ]
    );
    // The rest of the diagnosis uses the reachable address.
    assert_eq!(probe.get("/").await.unwrap().status, 204);
    assert_eq!(server.requests().len(), 1);
}
