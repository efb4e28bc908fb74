//! Proxies that do not connect to the server.

use hh_testing::{
    CertificateAuthority, HttpServer, Reply, SelfSigned, closed_address, response, response_bytes,
};
use hh_transport::{
    Idempotency, ProxyOptions, SendOptions, Transport, TransportError, TransportErrorKind,
};

use crate::canary::{Canary, KEY, all_text};
use crate::post;
use crate::proxy::{CONNECTED, through};

const PASSWORD: &str = "hidden-word";

async fn fail(transport: &Transport) -> TransportError {
    let how = SendOptions::new(Idempotency::Unsafe).with_authorizer(&Canary(KEY));
    let sent = transport.send(post("https://api.test/", "{}"), how);
    let error = sent.await.unwrap_err();
    let text = all_text(&error);
    assert!(!text.contains(KEY) && !text.contains(PASSWORD), "{text}");
    assert!(error.is_certainly_unsent(), "{error}");
    error
}

/// Sends through a proxy with this behavior, with credentials. Returns the error, whose message has `PROXY` as the name
/// of the proxy, and the number of attempts.
async fn refused(reply: Reply) -> (TransportErrorKind, String, usize) {
    let proxy = HttpServer::start([reply]);
    let options = ProxyOptions::parse(proxy.url())
        .unwrap()
        .with_credentials(Some("user"), Some(PASSWORD));
    let error = fail(&through(options, &CertificateAuthority::new("ours"))).await;
    // What must not be shown was sent.
    let basic = "Basic dXNlcjpoaWRkZW4td29yZA==";
    assert!(
        proxy
            .request_texts()
            .iter()
            .all(|head| head.contains(basic))
    );
    assert!(!proxy.request_texts().concat().contains(KEY));
    assert_eq!(proxy.connections(), error.attempts().len());
    let message = error.to_line().replace(proxy.host(), "PROXY");
    (error.kind(), message, error.attempts().len())
}

#[tokio::test]
async fn a_proxy_that_wants_other_credentials_is_final() {
    let head = "proxy-authenticate: Basic realm=\"hh\"\r\n";
    for body in ["", "<html>log in</html>"] {
        let reply = response("407 Proxy Authentication Required", head, body);
        let (kind, message, attempts) = refused(reply).await;
        assert_eq!((kind, attempts), (TransportErrorKind::Proxy, 1));
        assert_eq!(
            message,
            "cannot connect to api.test: the proxy PROXY requires a user name and a password (407); set proxy_username and proxy_password"
        );
    }
}

#[tokio::test]
async fn a_proxy_that_refuses_is_retried() {
    let page = "<html>no</html>";
    let html = "content-type: text/html\r\n";
    let replies = [
        response("502 Bad Gateway", "", ""),
        response("503 Service Unavailable", "retry-after: 99\r\n", ""),
        response("403 Forbidden", html, page),
        response("302 Found", "location: http://127.0.0.1:1/\r\n", ""),
        response("500 Internal Server Error", html, page),
        response("204 No Content", "", ""),
        Reply::Bytes("SSH-2.0-OpenSSH_9.9\r\n".into()),
        Reply::Bytes(page.into()),
        Reply::Bytes(vec![0x15, 3, 3, 0, 2, 2, 40]),
    ];
    for reply in replies {
        let (kind, message, attempts) = refused(reply).await;
        assert_eq!(
            (kind, attempts),
            (TransportErrorKind::Proxy, 2),
            "{message}"
        );
        let expected =
            "cannot connect to api.test: the proxy PROXY refused to connect to the server";
        assert_eq!(message, expected);
    }
}

#[tokio::test]
async fn a_proxy_that_closes_is_retried() {
    let expected = "cannot connect to api.test: the proxy PROXY closed the connection";
    let half = CONNECTED.as_bytes()[..20].to_vec();
    for reply in [
        Reply::Bytes(Vec::new()),
        Reply::Reset,
        Reply::Bytes(half.clone()),
        Reply::BytesThenReset(half),
        // A head without an end.
        Reply::Bytes(vec![b'\n'; 100_000]),
    ] {
        let (kind, message, attempts) = refused(reply).await;
        assert_eq!(
            (kind, attempts),
            (TransportErrorKind::Proxy, 2),
            "{message}"
        );
        assert_eq!(message, expected);
    }
}

/// The proxy reports an established tunnel and then closes the connection.
#[tokio::test]
async fn a_tunnel_that_breaks_at_once() {
    for reply in [
        Reply::Bytes(CONNECTED.into()),
        Reply::BytesThenReset(CONNECTED.into()),
    ] {
        let (kind, message, attempts) = refused(reply).await;
        assert_eq!(
            (kind, attempts),
            (TransportErrorKind::Proxy, 2),
            "{message}"
        );
        assert!(message.contains("the proxy PROXY"), "{message}");
    }
}

/// A captive portal responds to every request with its own page.
#[tokio::test]
async fn a_page_instead_of_a_tunnel() {
    let page = response_bytes(
        "200 OK",
        "content-type: text/html\r\n",
        "<html>log in</html>",
    );
    let (kind, message, _) = refused(Reply::Bytes(page)).await;
    assert!(
        matches!(kind, TransportErrorKind::Proxy | TransportErrorKind::Tls),
        "{message}"
    );
}

#[tokio::test]
async fn a_proxy_that_does_not_run() {
    let proxy = closed_address();
    let options = ProxyOptions::parse(&format!("http://{proxy}")).unwrap();
    let options = options.with_credentials(Some("user"), Some(PASSWORD));
    let error = fail(&through(options, &CertificateAuthority::new("ours"))).await;
    assert_eq!(
        (error.kind(), error.attempts().len()),
        (TransportErrorKind::Proxy, 2)
    );
    assert_eq!(
        error.to_string(),
        format!(
            "cannot connect to api.test: the proxy {proxy} cannot be reached: connection refused"
        )
    );
}

/// The tunnel leads to a server with the wrong identity: the proxy intercepts.
#[tokio::test]
async fn a_proxy_that_answers_for_the_server() {
    let authority = CertificateAuthority::new("ours");
    let server = HttpServer::start_tls(
        SelfSigned::new(&["api.test"]).config,
        [response("200 OK", "", "")],
    );
    let proxy = HttpServer::start([Reply::Tunnel(CONNECTED.into(), server.address())]);
    let options = ProxyOptions::parse(proxy.url()).unwrap();
    let error = fail(&through(options, &authority)).await;
    assert_eq!(
        (error.kind(), error.attempts().len()),
        (TransportErrorKind::Tls, 1)
    );
    server.wait_for_closed(1).await;
    assert!(server.requests().is_empty());
}

/// Sends through a proxy that speaks TLS and proves the wrong identity.
async fn fail_with_a_bad_proxy() -> (TransportError, HttpServer) {
    let proxy = HttpServer::start_tls(SelfSigned::new(&["localhost"]).config, [Reply::Reset]);
    let options = ProxyOptions::parse(proxy.url()).unwrap();
    let options = options.with_credentials(Some("user"), Some(PASSWORD));
    let error = fail(&through(options, &CertificateAuthority::new("ours"))).await;
    (error, proxy)
}

#[tokio::test]
async fn the_message_of_a_proxy_whose_own_certificate_is_bad() {
    let (error, proxy) = fail_with_a_bad_proxy().await;
    assert!(error.to_string().contains(proxy.host()), "{error}");
}

#[tokio::test]
async fn a_proxy_whose_own_certificate_is_bad_gets_no_credentials() {
    let (error, proxy) = fail_with_a_bad_proxy().await;
    assert_eq!(error.attempts().len(), 1, "{error}");
    proxy.wait_for_closed(1).await;
    assert!(proxy.requests().is_empty());
}
