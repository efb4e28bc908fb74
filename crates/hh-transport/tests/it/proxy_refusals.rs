//! Proxies that do not connect to the server.

use hh_transport::{
    Idempotency, ProxyOptions, SendOptions, Transport, TransportError, TransportErrorKind,
};

use crate::canary::{Canary, KEY, all_text};
use crate::certificates::{Authority, self_signed};
use crate::proxy::{CONNECTED, through};
use crate::server::{Reply, Server, answer, answer_bytes};
use crate::{closed_port, post};

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
    let proxy = Server::start([reply]).await;
    let options = ProxyOptions::parse(&proxy.url)
        .unwrap()
        .with_credentials(Some("user"), Some(PASSWORD));
    let error = fail(&through(options, &Authority::new("ours"))).await;
    // The secrets were sent.
    let basic = "Basic dXNlcjpoaWRkZW4td29yZA==";
    assert!(proxy.requests().iter().all(|head| head.contains(basic)));
    assert!(!proxy.requests().concat().contains(KEY));
    assert_eq!(proxy.connections(), error.attempts().len());
    let message = error.to_line().replace(proxy.host(), "PROXY");
    (error.kind(), message, error.attempts().len())
}

#[tokio::test]
async fn a_proxy_that_wants_other_credentials_is_final() {
    let head = "proxy-authenticate: Basic realm=\"hh\"\r\n";
    for body in ["", "<html>log in</html>"] {
        let reply = answer("407 Proxy Authentication Required", head, body);
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
        answer("502 Bad Gateway", "", ""),
        answer("503 Service Unavailable", "retry-after: 99\r\n", ""),
        answer("403 Forbidden", html, page),
        answer("302 Found", "location: http://127.0.0.1:1/\r\n", ""),
        answer("500 Internal Server Error", html, page),
        answer("204 No Content", "", ""),
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
    let page = answer_bytes(
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
    let proxy = closed_port();
    let options = ProxyOptions::parse(&format!("http://{proxy}")).unwrap();
    let options = options.with_credentials(Some("user"), Some(PASSWORD));
    let error = fail(&through(options, &Authority::new("ours"))).await;
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
    let authority = Authority::new("ours");
    let server = Server::start_tls(self_signed("api.test"), [answer("200 OK", "", "")]).await;
    let proxy = Server::start([Reply::Tunnel(CONNECTED.into(), server.address)]).await;
    let options = ProxyOptions::parse(&proxy.url).unwrap();
    let error = fail(&through(options, &authority)).await;
    assert_eq!(
        (error.kind(), error.attempts().len()),
        (TransportErrorKind::Tls, 1)
    );
    server.ended(1).await;
    assert!(server.requests().is_empty());
}

/// Sends through a TLS proxy with the wrong identity.
async fn fail_with_a_bad_proxy() -> (TransportError, Server) {
    let proxy = Server::start_tls(self_signed("localhost"), [Reply::Reset]).await;
    let options = ProxyOptions::parse(&proxy.url).unwrap();
    let options = options.with_credentials(Some("user"), Some(PASSWORD));
    let error = fail(&through(options, &Authority::new("ours"))).await;
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
    proxy.ended(1).await;
    assert!(proxy.requests().is_empty());
}
