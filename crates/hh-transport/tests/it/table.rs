//! The decision table of `RetryPolicy`: each row is tested by the behavior of a server and the number of its requests.

use std::sync::Arc;
use std::time::Duration;

use hh_testing::{HttpServer, IdleListener, Reply, SelfSigned, closed_address, response};
use hh_transport::{
    Idempotency, IdempotencyKey, ProxyOptions, ReqwestOptions, ReqwestService, SendOptions,
    Transport, TransportError, TransportErrorKind,
};

use crate::canary::NoKey;
use crate::{post, service, transport_of};

/// The columns, in the order of the table.
fn columns() -> [Idempotency; 4] {
    let key = IdempotencyKey::parse("job-4711").unwrap();
    [
        Idempotency::Safe,
        Idempotency::Keyed(key),
        Idempotency::Unsafe,
        Idempotency::Otlp,
    ]
}

/// Returns one service for all calls of a test, because loading the trusted certificates is slow.
fn quick() -> ReqwestService {
    let timeout = Duration::from_millis(150);
    let options = ReqwestOptions::new()
        .with_first_byte_timeout(timeout)
        .with_idle_read_timeout(timeout);
    service(&options)
}

/// Returns a transport with at most two attempts and a full budget.
fn twice(service: &ReqwestService) -> Transport {
    transport_of(service.clone(), 2)
}

async fn send(
    service: &ReqwestService,
    url: &str,
    repeat: Idempotency,
    row: &str,
) -> TransportError {
    let transport = twice(service);
    let sent = transport.send(post(url, "{}"), SendOptions::new(repeat));
    let error = sent.await.unwrap_err();
    assert!(!error.attempts().is_empty(), "{row}: {error}");
    error
}

/// Sends a request of each column to a server that treats all of them the same, and expects these numbers of attempts.
async fn check(service: &ReqwestService, row: &str, reply: Reply, expected: [usize; 4]) {
    for (repeat, expected) in columns().into_iter().zip(expected) {
        let server = HttpServer::start([reply.clone()]);
        let row = format!("{row}, {repeat:?}");
        let is_keyed = matches!(repeat, Idempotency::Keyed(_));
        let error = send(service, server.url(), repeat, &row).await;
        assert_eq!(error.attempts().len(), expected, "{row}: {error}");
        // A client that gave up may be ahead of the server.
        server.wait_for_connections(expected).await;
        assert_eq!(server.connections(), expected, "{row}: {error}");
        for request in server.request_texts() {
            let key = request.contains("\r\nidempotency-key: job-4711\r\n");
            assert_eq!(key, is_keyed, "{row}: {request}");
            assert!(is_keyed || !request.contains("idempotency-key"), "{row}");
        }
    }
}

/// Checks like [`check`] for complete responses, where each attempt is a request that the server has read.
async fn check_answers(rows: &[(&str, &str, [usize; 4])]) {
    let service = service(&ReqwestOptions::new());
    for (status, headers, expected) in rows {
        let row = format!("{status} {headers:?}");
        for (repeat, expected) in columns().into_iter().zip(*expected) {
            let server = HttpServer::start([response(status, headers, "{}")]);
            let is_keyed = matches!(repeat, Idempotency::Keyed(_));
            let error = send(&service, server.url(), repeat, &row).await;
            let requests = server.request_texts();
            assert_eq!(requests.len(), expected, "{row}: {error:?}");
            assert_eq!(error.status().unwrap().as_str(), &status[..3]);
            let key = |request: &String| request.contains("\r\nidempotency-key: job-4711\r\n");
            assert_eq!(
                requests.iter().filter(|r| key(r)).count(),
                expected * usize::from(is_keyed)
            );
        }
    }
}

#[tokio::test]
async fn not_sent_a_refused_port() {
    let service = quick();
    for repeat in columns() {
        let address = closed_address();
        let error = send(&service, &format!("http://{address}"), repeat, "refused").await;
        let kinds = (error.kind(), error.is_certainly_unsent());
        assert_eq!(kinds, (TransportErrorKind::Unreachable, true));
        assert_eq!(error.attempts().len(), 2);
    }
}

#[tokio::test]
async fn not_sent_a_handshake_broken_off() {
    let service = quick();
    for reply in [Reply::Reset, Reply::Bytes(Vec::new())] {
        for repeat in columns() {
            let server = HttpServer::start([reply.clone()]);
            let url = server.url().replace("http:", "https:");
            let error = send(&service, &url, repeat, "handshake").await;
            let kinds = (error.kind(), error.is_certainly_unsent());
            assert_eq!(kinds, (TransportErrorKind::Unreachable, true), "{error}");
            assert_eq!((error.attempts().len(), server.connections()), (2, 2));
        }
    }
}

#[tokio::test]
async fn refused_here_an_untrusted_certificate() {
    let config = SelfSigned::new(&["localhost"]).config;
    for repeat in columns() {
        let server = HttpServer::start_tls(Arc::clone(&config), [response("200 OK", "", "hello")]);
        let error = send(&quick(), server.url(), repeat, "certificate").await;
        assert_eq!(error.kind(), TransportErrorKind::Tls, "{error}");
        server.wait_for_closed(1).await;
        assert_eq!((error.attempts().len(), server.connections()), (1, 1));
        assert!(server.requests().is_empty());
    }
}

#[tokio::test]
async fn refused_here_a_proxy_that_wants_credentials() {
    let refusal = response("407 Proxy Authentication Required", "", "");
    for repeat in columns() {
        let proxy = HttpServer::start([refusal.clone()]);
        let options = ProxyOptions::parse(proxy.url()).unwrap();
        let service = service(&ReqwestOptions::new().with_proxy(options));
        let error = send(&service, "https://api.test/", repeat, "proxy").await;
        assert_eq!(error.kind(), TransportErrorKind::Proxy, "{error}");
        assert_eq!((error.attempts().len(), proxy.connections()), (1, 1));
    }
}

#[tokio::test]
async fn refused_here_no_key() {
    let service = quick();
    let trap = IdleListener::new();
    for repeat in columns() {
        let request = post(&format!("http://127.0.0.1:{}", trap.address().port()), "{}");
        let how = SendOptions::new(repeat).with_authorizer(&NoKey);
        let error = twice(&service).send(request, how).await.unwrap_err();
        assert_eq!(error.kind(), TransportErrorKind::Unauthenticated, "{error}");
        assert!(error.is_certainly_unsent() && error.attempts().is_empty());
        assert!(trap.is_untouched());
    }
}

#[tokio::test]
async fn lost() {
    let service = quick();
    let part = b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhello".to_vec();
    let head = b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n".to_vec();
    let rows = [
        ("reset before the head", Reply::Reset),
        ("closed before the head", Reply::Bytes(Vec::new())),
        (
            "reset in the head",
            Reply::BytesThenReset(part[..20].to_vec()),
        ),
        ("closed in the head", Reply::Bytes(part[..20].to_vec())),
        ("reset after the head", Reply::BytesThenReset(head.clone())),
        ("closed after the head", Reply::Bytes(head)),
        ("reset in the body", Reply::BytesThenReset(part.clone())),
        ("closed in the body", Reply::Bytes(part.clone())),
        ("no answer", Reply::Silence),
        ("half a head", Reply::BytesThenSilence(part[..20].to_vec())),
        ("half a body", Reply::BytesThenSilence(part)),
    ];
    for (row, reply) in rows {
        check(&service, row, reply, [2, 2, 1, 2]).await;
    }
}

#[tokio::test]
async fn too_many_requests() {
    check_answers(&[
        (
            "429 Too Many Requests",
            "retry-after: 0.01\r\n",
            [2, 2, 2, 2],
        ),
        ("429 Too Many Requests", "", [2, 2, 2, 2]),
    ])
    .await;
}

#[tokio::test]
async fn asked_to_wait() {
    check_answers(&[
        ("408 Request Timeout", "retry-after: 0.01\r\n", [2, 2, 1, 1]),
        ("408 Request Timeout", "", [2, 2, 1, 1]),
        ("425 Too Early", "retry-after: 0.01\r\n", [2, 2, 1, 1]),
        ("425 Too Early", "", [2, 2, 1, 1]),
    ])
    .await;
}

#[tokio::test]
async fn overloaded() {
    check_answers(&[(
        "503 Service Unavailable",
        "retry-after: 0.01\r\n",
        [2, 2, 1, 2],
    )])
    .await;
}

#[tokio::test]
async fn broken() {
    check_answers(&[
        ("500 Internal Server Error", "", [2, 2, 1, 1]),
        (
            "500 Internal Server Error",
            "retry-after: 0.01\r\n",
            [2, 2, 1, 1],
        ),
    ])
    .await;
}

#[tokio::test]
async fn faulty() {
    check_answers(&[
        ("502 Bad Gateway", "", [2, 2, 1, 2]),
        ("503 Service Unavailable", "", [2, 2, 1, 2]),
        ("504 Gateway Timeout", "", [2, 2, 1, 2]),
        ("504 Gateway Timeout", "retry-after: 0.01\r\n", [2, 2, 1, 2]),
        ("520 Unknown", "", [2, 2, 1, 2]),
        ("522 Connection Timed Out", "", [2, 2, 1, 2]),
        ("529 Overloaded", "retry-after: 0.01\r\n", [2, 2, 1, 2]),
    ])
    .await;
}

#[tokio::test]
async fn answered() {
    let statuses = [
        "302 Found",
        "304 Not Modified",
        "400 Bad Request",
        "401 Unauthorized",
        "403 Forbidden",
        "404 Not Found",
        "409 Conflict",
        "413 Content Too Large",
        "415 Unsupported Media Type",
        "422 Unprocessable Content",
        "499 Odd",
        "501 Not Implemented",
        "505 HTTP Version Not Supported",
        "599 Odd",
        "600 Odd",
        "999 Odd",
    ];
    for headers in ["", "retry-after: 0.01\r\n"] {
        let rows = statuses.map(|status| (status, headers, [1, 1, 1, 1]));
        check_answers(&rows).await;
    }
}

#[tokio::test]
async fn an_unusable_answer() {
    let service = quick();
    let chunk = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n";
    for reply in ["SSH-2.0-OpenSSH_9.9\r\n", chunk] {
        check(&service, reply, Reply::Bytes(reply.into()), [1, 1, 1, 1]).await;
    }
}
