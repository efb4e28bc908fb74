//! Requests through a proxy, and those that must not go through it.

use hh_testing::{CertificateAuthority, HttpServer, IdleListener, Reply, response};
use hh_transport::{Idempotency, NoProxy, ProxyOptions, ReqwestOptions, SendOptions, Transport};

use crate::canary::{Canary, KEY};
use crate::{get, post, service, transport_of};

pub(crate) const CONNECTED: &str = "HTTP/1.1 200 Connection established\r\n\r\n";

/// A server named `api.test` that only a proxy finds, and the proxy.
fn server_and_proxy(authority: &CertificateAuthority) -> (HttpServer, HttpServer) {
    let config = authority.server("api.test");
    let server = HttpServer::start_tls(config, [response("200 OK", "", "hello")]);
    let proxy = HttpServer::start([Reply::Tunnel(CONNECTED.into(), server.address())]);
    (server, proxy)
}

pub(crate) fn through(proxy: ProxyOptions, authority: &CertificateAuthority) -> Transport {
    let options = ReqwestOptions::new()
        .with_ca_bundle(authority.pem())
        .with_proxy(proxy);
    transport_of(service(&options), 2)
}

#[tokio::test]
async fn https_goes_through_it_and_shows_it_the_host_alone() {
    let authority = CertificateAuthority::new("ours");
    let (server, proxy) = server_and_proxy(&authority);
    let transport = through(ProxyOptions::parse(proxy.url()).unwrap(), &authority);
    let how = SendOptions::new(Idempotency::Unsafe).with_authorizer(&Canary(KEY));
    let request = post("https://api.test:443/path?q=1", "{}");
    let response = transport.send(request, how).await.unwrap();
    assert_eq!(response.body(), "hello");
    assert_eq!(
        proxy.request_texts(),
        ["CONNECT api.test:443 HTTP/1.1\r\nHost: api.test:443\r\n\r\n"]
    );
    // The server got what the proxy did not see.
    let request = &server.request_texts()[0];
    assert!(request.starts_with("POST /path?q=1 HTTP/1.1\r\n"));
    assert!(request.contains(&format!("\r\nauthorization: Bearer {KEY}\r\n")));
    assert!(!request.to_lowercase().contains("proxy-authorization"));
}

#[tokio::test]
async fn the_port_is_the_one_of_the_url() {
    let authority = CertificateAuthority::new("ours");
    for (url, target) in [
        ("https://api.test/", "api.test:443"),
        ("https://api.test:8443/", "api.test:8443"),
    ] {
        let (_server, proxy) = server_and_proxy(&authority);
        let transport = through(ProxyOptions::parse(proxy.url()).unwrap(), &authority);
        let sent = transport.send(get(url), SendOptions::new(Idempotency::Unsafe));
        assert!(sent.await.is_ok());
        assert!(proxy.request_texts()[0].starts_with(&format!("CONNECT {target} HTTP/1.1\r\n")));
    }
}

#[tokio::test]
async fn credentials_are_for_the_proxy_alone() {
    let authority = CertificateAuthority::new("ours");
    // In base64: user:pass word, us@er:p:w/# é and user: with nothing after it.
    let cases = [
        (("user", Some("pass word")), "dXNlcjpwYXNzIHdvcmQ="),
        (("us@er", Some("p:w/# é")), "dXNAZXI6cDp3LyMgw6k="),
        (("user", None), "dXNlcjo="),
    ];
    for ((user, password), encoded) in cases {
        let (server, proxy) = server_and_proxy(&authority);
        let options = ProxyOptions::parse(proxy.url())
            .unwrap()
            .with_credentials(Some(user), password);
        let transport = through(options, &authority);
        let how = SendOptions::new(Idempotency::Unsafe).with_authorizer(&Canary(KEY));
        let sent = transport.send(get("https://api.test/"), how).await;
        assert_eq!(sent.unwrap().body(), "hello");
        let seen = proxy.request_texts().concat().to_lowercase();
        let line = format!(
            "\r\nproxy-authorization: basic {}\r\n",
            encoded.to_lowercase()
        );
        assert!(seen.contains(&line), "{seen}");
        assert!(proxy.request_texts()[0].contains(encoded), "{user} {seen}");
        assert!(!seen.contains("\r\nauthorization") && !seen.contains(&KEY.to_lowercase()));
        let request = server.request_texts().concat().to_lowercase();
        assert!(request.contains(&KEY.to_lowercase()));
        assert!(!request.contains(&encoded.to_lowercase()) && !request.contains("proxy"));
    }
}

#[tokio::test]
async fn a_percent_sign_in_a_password() {
    let authority = CertificateAuthority::new("ours");
    let (_server, proxy) = server_and_proxy(&authority);
    let options = ProxyOptions::parse(proxy.url())
        .unwrap()
        .with_credentials(Some("user"), Some("p%2Fw"));
    let transport = through(options, &authority);
    let sent = transport.send(
        get("https://api.test/"),
        SendOptions::new(Idempotency::Unsafe),
    );
    assert!(sent.await.is_ok());
    let seen = proxy.request_texts().concat();
    // user:p%2Fw
    assert!(seen.contains("Basic dXNlcjpwJTJGdw==\r\n"), "{seen}");
}

#[tokio::test]
async fn credentials_are_not_in_what_is_printed() {
    let authority = CertificateAuthority::new("ours");
    let (_server, proxy) = server_and_proxy(&authority);
    let options = ProxyOptions::parse(proxy.url())
        .unwrap()
        .with_credentials(Some("hidden-name"), Some("hidden-word"));
    let transport = through(options, &authority);
    let sent = transport.send(
        get("https://api.test/"),
        SendOptions::new(Idempotency::Unsafe),
    );
    assert!(sent.await.is_ok());
    // hidden-name:hidden-word
    let encoded = "aGlkZGVuLW5hbWU6aGlkZGVuLXdvcmQ=";
    assert!(proxy.request_texts()[0].contains(encoded));
    let shown = format!("{transport:?} {transport:#?}");
    assert!(
        !shown.contains("hidden") && !shown.contains(encoded),
        "{shown}"
    );
}

#[tokio::test]
async fn credentials_in_the_url() {
    let authority = CertificateAuthority::new("ours");
    let (_server, proxy) = server_and_proxy(&authority);
    let url = proxy.url().replace("http://", "http://user:pass%20word@");
    let transport = through(ProxyOptions::parse(&url).unwrap(), &authority);
    let sent = transport.send(
        get("https://api.test/"),
        SendOptions::new(Idempotency::Unsafe),
    );
    assert!(sent.await.is_ok());
    let seen = proxy.request_texts().concat();
    assert!(seen.contains("Basic dXNlcjpwYXNzIHdvcmQ=\r\n"), "{seen}");
}

#[tokio::test]
async fn a_proxy_that_speaks_tls() {
    let authority = CertificateAuthority::new("ours");
    let config = authority.server("api.test");
    let server = HttpServer::start_tls(config, [response("200 OK", "", "hello")]);
    let tunnel = Reply::Tunnel(CONNECTED.into(), server.address());
    let proxy = HttpServer::start_tls(authority.server("localhost"), [tunnel]);
    let options = ProxyOptions::parse(proxy.url())
        .unwrap()
        .with_credentials(Some("user"), Some("pass word"));
    let transport = through(options, &authority);
    let how = SendOptions::new(Idempotency::Unsafe).with_authorizer(&Canary(KEY));
    let sent = transport.send(get("https://api.test/"), how).await;
    assert_eq!(sent.unwrap().body(), "hello");
    let seen = proxy.request_texts().concat();
    assert!(seen.starts_with("CONNECT api.test:443 HTTP/1.1\r\n"));
    assert!(seen.contains("Basic dXNlcjpwYXNzIHdvcmQ=\r\n"), "{seen}");
    assert!(!seen.contains(KEY) && server.request_texts()[0].contains(KEY));
}

/// Sequential connections use one tunnel each, and a tunnel is reused.
#[tokio::test]
async fn a_tunnel_serves_several_calls() {
    let authority = CertificateAuthority::new("ours");
    let kept = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello".to_vec();
    let server = HttpServer::start_tls(authority.server("api.test"), [Reply::Keep(kept)]);
    let proxy = HttpServer::start([Reply::Tunnel(CONNECTED.into(), server.address())]);
    let transport = through(ProxyOptions::parse(proxy.url()).unwrap(), &authority);
    for _ in 0..3 {
        let sent = transport.send(
            get("https://api.test/"),
            SendOptions::new(Idempotency::Safe),
        );
        assert!(sent.await.is_ok());
    }
    assert_eq!((server.requests().len(), proxy.connections()), (3, 1));
}

#[tokio::test]
async fn this_machine_is_reached_directly() {
    let authority = CertificateAuthority::new("ours");
    let trap = IdleListener::new();
    let options = ProxyOptions::parse(&format!("127.0.0.1:{}", trap.address().port())).unwrap();
    let transport = through(options, &authority);
    let plain = HttpServer::start([response("200 OK", "", "hello")]);
    let secure =
        |name| HttpServer::start_tls(authority.server(name), [response("200 OK", "", "hello")]);
    let (named, literal) = (secure("localhost"), secure("127.0.0.1"));
    let by_name = plain.url().replace("127.0.0.1", "localhost");
    let by_literal = literal.url().replace("localhost", "127.0.0.1");
    for url in [plain.url(), &by_name, named.url(), &by_literal] {
        let sent = transport.send(get(url), SendOptions::new(Idempotency::Safe));
        assert_eq!(sent.await.unwrap().body(), "hello", "{url}");
        assert!(trap.is_untouched(), "{url}");
    }
}

/// The address 0.0.0.0 belongs to this machine but does not count as loopback.
#[cfg(unix)]
#[tokio::test]
async fn a_host_of_no_proxy_is_reached_directly() {
    let authority = CertificateAuthority::new("ours");
    let config = authority.server("0.0.0.0");
    let server = HttpServer::start_tls(config, [response("200 OK", "", "hello")]);
    let url = server.url().replace("localhost", "0.0.0.0");
    for (no_proxy, is_direct) in [
        ("0.0.0.0", true),
        ("api.test, 0.0.0.0", true),
        ("0.0.0.0/8", true),
        ("*", true),
        ("api.test", false),
        ("", false),
    ] {
        let proxy = HttpServer::start([Reply::Bytes("HTTP/1.1 502 No\r\n\r\n".into())]);
        let options = ProxyOptions::parse(proxy.url()).unwrap();
        let transport = through(options.with_no_proxy(NoProxy::parse(no_proxy)), &authority);
        let sent = transport.send(get(&url), SendOptions::new(Idempotency::Safe));
        assert_eq!(sent.await.is_ok(), is_direct, "{no_proxy}");
        assert_eq!(proxy.connections() == 0, is_direct, "{no_proxy}");
    }
}
