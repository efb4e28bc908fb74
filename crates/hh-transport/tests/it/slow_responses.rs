//! Slow responses that never finish.

use std::time::Duration;

use hh_testing::{HttpServer, Reply};
use hh_transport::{
    Idempotency, ReqwestOptions, SendOptions, TimeoutStage, TransportError, TransportErrorKind,
};

use crate::{get, service, transport_of};

const SHORT: Duration = Duration::from_millis(150);
const LONG: Duration = Duration::from_mins(1);

const HEAD: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n";

async fn fail(
    reply: Reply,
    options: ReqwestOptions,
    total: Duration,
) -> (TransportError, HttpServer) {
    let server = HttpServer::start([reply]);
    let transport = transport_of(service(&options), 1);
    let how = SendOptions::new(Idempotency::Safe).with_timeout(total);
    let error = transport.send(get(server.url()), how).await.unwrap_err();
    assert_eq!(error.kind(), TransportErrorKind::Timeout, "{error}");
    assert!(!error.is_certainly_unsent());
    // A client that gave up may be ahead of the server.
    server.wait_for_connections(1).await;
    assert_eq!(server.connections(), 1);
    (error, server)
}

fn options() -> ReqwestOptions {
    ReqwestOptions::new()
        .with_first_byte_timeout(LONG)
        .with_idle_read_timeout(LONG)
}

#[tokio::test]
async fn an_endless_head_times_out_after_the_first_byte_timeout() {
    let start = b"HTTP/1.1 200 OK\r\nx-long: ".to_vec();
    let each = [&b"a"[..], b"a\r\nx-more: "];
    for each in each {
        let options = options().with_first_byte_timeout(SHORT);
        let (error, server) = fail(Reply::Drip(start.clone(), each), options, LONG).await;
        assert_eq!(error.timeout_stage(), Some(TimeoutStage::FirstByte));
        let message = format!(
            "connected to {}, but received no response within 150 ms",
            server.host()
        );
        assert_eq!(error.to_string(), message);
    }
}

#[tokio::test]
async fn an_endless_head_times_out_after_the_call_timeout() {
    let start = b"HTTP/1.1 200 OK\r\nx-long: ".to_vec();
    let (error, server) = fail(Reply::Drip(start, b"a"), options(), SHORT).await;
    assert_eq!(error.timeout_stage(), Some(TimeoutStage::Total));
    let message = format!("no complete response from {} within 150 ms", server.host());
    assert_eq!(error.to_string(), message);
}

#[tokio::test]
async fn provisional_answers_are_not_the_beginning_of_one() {
    let provisional = b"HTTP/1.1 103 Early Hints\r\n\r\n";
    let options = options().with_first_byte_timeout(SHORT);
    let (error, _server) = fail(Reply::Drip(Vec::new(), provisional), options, LONG).await;
    assert_eq!(error.timeout_stage(), Some(TimeoutStage::FirstByte));
}

#[tokio::test]
async fn an_endless_body_times_out_after_the_call_timeout() {
    // Each byte arrives within the idle timeout; only the whole call times out.
    let chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    let gzip = b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 100000\r\n\r\n\x1f\x8b\x08\x10\0\0\0\0\0\0";
    let bodies = [
        (HEAD, &b"a"[..]),
        (chunked, b"1\r\na\r\n"),
        // The file name in the gzip header never ends.
        (gzip, b"a"),
    ];
    for (head, each) in bodies {
        let total = Duration::from_millis(300);
        let reply = Reply::Drip(head.to_vec(), each);
        let (error, server) = fail(reply, options(), total).await;
        assert_eq!(error.timeout_stage(), Some(TimeoutStage::Total), "{error}");
        let message = format!("no complete response from {} within 300 ms", server.host());
        assert_eq!(error.to_string(), message);
    }
}

#[tokio::test]
async fn a_stalled_body_times_out_after_the_idle_timeout() {
    let mut part = HEAD.to_vec();
    for body in [&b""[..], b"hello"] {
        part.extend_from_slice(body);
        let options = options().with_idle_read_timeout(SHORT);
        let reply = Reply::BytesThenSilence(part.clone());
        let (error, server) = fail(reply, options, LONG).await;
        assert_eq!(error.timeout_stage(), Some(TimeoutStage::IdleRead));
        let message = format!(
            "the response from {} stopped for 150 ms before it was complete",
            server.host()
        );
        assert_eq!(error.to_string(), message);
    }
}

#[tokio::test]
async fn a_refusal_keeps_its_status_if_its_body_never_ends() {
    let head = b"HTTP/1.1 403 Forbidden\r\ncontent-length: 1000000\r\n\r\n".to_vec();
    let server = HttpServer::start([Reply::Drip(head, b" ")]);
    let options = options().with_idle_read_timeout(SHORT);
    let transport = transport_of(service(&options), 1);
    let how = SendOptions::new(Idempotency::Safe).with_timeout(LONG);
    let error = transport.send(get(server.url()), how).await.unwrap_err();
    assert_eq!(
        error.kind(),
        TransportErrorKind::PermissionDenied,
        "{error}"
    );
}

/// The status of an error response is reported, even if its body is missing.
#[tokio::test]
async fn a_refusal_does_not_wait_for_a_body_that_stops() {
    let head = b"HTTP/1.1 403 Forbidden\r\ncontent-length: 100\r\n\r\n{".to_vec();
    let server = HttpServer::start([Reply::BytesThenSilence(head)]);
    let options = options().with_idle_read_timeout(SHORT);
    let transport = transport_of(service(&options), 1);
    let how = SendOptions::new(Idempotency::Safe);
    let error = transport.send(get(server.url()), how).await.unwrap_err();
    assert_eq!(error.kind(), TransportErrorKind::PermissionDenied);
}
