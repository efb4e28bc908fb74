//! Timeouts of each stage with an unresponsive server, and the number of requests during an outage.

use std::sync::Arc;
use std::time::Duration;

use hh_testing::{CertificateAuthority, HttpServer, IdleListener, Reply, response};
use hh_transport::{
    Idempotency, Request, ReqwestOptions, RetryPolicy, SendOptions, TimeoutStage, Transport,
    TransportError, TransportErrorKind,
};
use http::Method;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use crate::{get, post, service, transport_of};

const SHORT: Duration = Duration::from_millis(150);

fn options() -> ReqwestOptions {
    ReqwestOptions::new()
        .with_connect_timeout(Duration::from_mins(1))
        .with_first_byte_timeout(Duration::from_mins(1))
}

async fn fail(url: &str, options: &ReqwestOptions) -> TransportError {
    fail_with(post(url, "{}"), options).await
}

async fn fail_with(request: Request, options: &ReqwestOptions) -> TransportError {
    let transport = transport_of(service(options), 1);
    let how = SendOptions::new(Idempotency::Safe).with_timeout(Duration::from_mins(1));
    let error = transport.send(request, how).await.unwrap_err();
    assert_eq!(error.kind(), TransportErrorKind::Timeout, "{error}");
    error
}

/// The kernel accepts the connection, and no process reads from it.
#[tokio::test]
async fn a_server_that_never_reads() {
    let trap = IdleListener::new();
    let host = format!("127.0.0.1:{}", trap.address().port());
    let options = options().with_first_byte_timeout(SHORT);
    let error = fail(&format!("http://{host}/"), &options).await;
    assert_eq!(error.timeout_stage(), Some(TimeoutStage::FirstByte));
    assert_eq!(
        error.to_string(),
        format!("connected to {host}, but received no response within 150 ms")
    );
    assert!(!error.is_certainly_unsent());
}

#[tokio::test]
async fn a_server_that_reads_and_never_answers() {
    let authority = CertificateAuthority::new("ours");
    let plain = HttpServer::start([Reply::Silence]);
    let secure = HttpServer::start_tls(authority.server("localhost"), [Reply::Silence]);
    for server in [plain, secure] {
        let options = options()
            .with_first_byte_timeout(SHORT)
            .with_ca_bundle(authority.pem());
        let mut head = get(server.url());
        *head.method_mut() = Method::HEAD;
        for request in [post(server.url(), "{}"), get(server.url()), head] {
            let error = fail_with(request, &options).await;
            assert_eq!(error.timeout_stage(), Some(TimeoutStage::FirstByte));
            assert!(!error.is_certainly_unsent());
        }
    }
}

#[tokio::test]
async fn unlimited_timeouts_do_not_overflow() {
    let server = HttpServer::start([response("200 OK", "", "hello")]);
    let options = ReqwestOptions::new()
        .with_connect_timeout(Duration::MAX)
        .with_first_byte_timeout(Duration::MAX)
        .with_idle_read_timeout(Duration::MAX);
    let transport = transport_of(service(&options), 1);
    let how = SendOptions::new(Idempotency::Safe).with_timeout(Duration::MAX);
    let answer = transport.send(get(server.url()), how).await.unwrap();
    assert_eq!(answer.body(), "hello");
}

#[tokio::test]
async fn a_handshake_that_never_ends() {
    let trap = IdleListener::new();
    let hello = HttpServer::start([Reply::BytesThenSilence(vec![0x16, 3, 3, 0])]);
    for port in [trap.address().port(), hello.address().port()] {
        let options = options().with_connect_timeout(SHORT);
        let error = fail(&format!("https://localhost:{port}/"), &options).await;
        assert_eq!(error.timeout_stage(), Some(TimeoutStage::Connect));
        assert_eq!(
            error.to_string(),
            format!("cannot connect to localhost:{port}: no connection within 150 ms")
        );
        assert!(error.is_certainly_unsent());
    }
}

#[tokio::test]
async fn a_proxy_that_never_answers() {
    let proxy = HttpServer::start([Reply::Silence]);
    let options = options()
        .with_connect_timeout(SHORT)
        .with_proxy(hh_transport::ProxyOptions::parse(proxy.url()).unwrap());
    let error = fail("https://api.test/", &options).await;
    assert_eq!(error.timeout_stage(), Some(TimeoutStage::Connect));
    assert!(error.is_certainly_unsent());
}

/// A slow TLS handshake does not count toward the timeout of the first byte.
#[tokio::test]
async fn the_time_of_the_first_byte_begins_with_the_connection() {
    let trap = IdleListener::new();
    let options = options()
        .with_connect_timeout(2 * SHORT)
        .with_first_byte_timeout(SHORT / 3);
    let error = fail(
        &format!("https://localhost:{}/", trap.address().port()),
        &options,
    )
    .await;
    assert_eq!(error.timeout_stage(), Some(TimeoutStage::Connect));
}

/// Fifty calls together add only ten retries.
#[tokio::test]
async fn many_calls_retry_rarely() {
    let server = HttpServer::start([response("503 Service Unavailable", "", "")]);
    let service = service(&ReqwestOptions::new());
    let retry = RetryPolicy::new()
        .with_max_attempts(10)
        .with_backoff(Duration::from_millis(5), Duration::from_millis(20));
    let transport = Transport::builder(Arc::new(service))
        .with_retry(retry)
        .build();
    let mut calls = JoinSet::new();
    for _ in 0..50 {
        let (transport, request) = (transport.clone(), get(server.url()));
        calls.spawn(async move {
            let sent = transport.send(request, SendOptions::new(Idempotency::Safe));
            sent.await.unwrap_err()
        });
    }
    let errors = calls.join_all().await;
    let attempts: usize = errors.iter().map(|error| error.attempts().len()).sum();
    assert_eq!(server.requests().len(), attempts);
    assert_eq!(attempts, 50 + 10);
    for error in errors {
        assert_eq!(error.kind(), TransportErrorKind::Unavailable);
    }
}

/// A call with a stalled handshake uses the connection of another, finished call.
#[tokio::test]
async fn a_pooled_connection_that_is_free_before_the_new_one_is_ready() {
    let authority = CertificateAuthority::new("ours");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!(
        "https://localhost:{}/",
        listener.local_addr().unwrap().port()
    );
    let acceptor = TlsAcceptor::from(authority.server("localhost"));
    tokio::spawn(async move {
        let (first, _) = listener.accept().await.unwrap();
        let mut first = acceptor.accept(first).await.unwrap();
        first.read_u8().await.unwrap();
        // The handshake of the second connection never continues.
        let second = listener.accept().await.unwrap();
        let kept = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";
        first.write_all(kept).await.unwrap();
        first.flush().await.unwrap();
        std::future::pending::<()>().await;
        drop((first, second));
    });
    let options = ReqwestOptions::new()
        .with_connect_timeout(Duration::from_secs(1))
        .with_first_byte_timeout(Duration::from_secs(1))
        .with_ca_bundle(authority.pem());
    let transport = transport_of(service(&options), 1);
    let send = || {
        let how = SendOptions::new(Idempotency::Safe).with_timeout(Duration::from_secs(10));
        transport.send(get(&url), how)
    };
    let (first, second) = tokio::join!(send(), send());
    assert_eq!(first.unwrap().body(), "hello");
    let error = second.unwrap_err();
    assert_eq!(
        error.timeout_stage(),
        Some(TimeoutStage::FirstByte),
        "{error}"
    );
}
