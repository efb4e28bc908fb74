//! Connections that cannot be established or are lost.

use std::time::Duration;

use hh_testing::{HttpServer, Reply, closed_address, response};
use hh_transport::{
    Idempotency, IdempotencyKey, ReqwestOptions, ReqwestService, SendOptions, TransportErrorKind,
};

use crate::{get, post, transport, transport_with};

#[tokio::test]
async fn refused_connections_are_retried_even_if_unsafe() {
    let address = closed_address();
    let request = post(&format!("http://{address}/?key=hh_rw_0123456789abcdef"), "");
    let error = transport()
        .send(request, SendOptions::new(Idempotency::Unsafe))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), TransportErrorKind::Unreachable);
    assert_eq!(
        error.to_string(),
        format!("cannot connect to {address}: connection refused")
    );
    assert!(error.is_certainly_unsent());
    assert_eq!(error.attempts().len(), 4);
}

#[tokio::test]
async fn a_reset_request_is_repeated_only_if_that_is_safe() {
    let keyed = Idempotency::Keyed(IdempotencyKey::random().unwrap());
    for (repeat, count) in [(Idempotency::Safe, 2), (keyed, 2), (Idempotency::Unsafe, 1)] {
        let server = HttpServer::start([Reply::Reset, response("200 OK", "", "")]);
        let result = transport()
            .send(post(server.url(), "body"), SendOptions::new(repeat))
            .await;
        assert_eq!(server.requests().len(), count);
        if count == 1 {
            let error = result.unwrap_err();
            assert_eq!(error.kind(), TransportErrorKind::Interrupted);
            assert!(!error.is_certainly_unsent());
        } else {
            assert!(result.is_ok());
        }
    }
}

#[tokio::test]
async fn a_truncated_body_is_an_error() {
    let sized = "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhello";
    let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n";
    for reply in [sized, chunked] {
        let server = HttpServer::start([Reply::Bytes(reply.into())]);
        let error = transport()
            .send(get(server.url()), SendOptions::new(Idempotency::Unsafe))
            .await
            .unwrap_err();
        assert_eq!(error.kind(), TransportErrorKind::Interrupted, "{reply}");
        assert!(!error.is_certainly_unsent());
    }
}

#[tokio::test]
async fn an_answer_that_is_not_http_is_final() {
    let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nhello\r\n";
    for reply in ["SSH-2.0-OpenSSH_9.9\r\n", chunked] {
        let server = HttpServer::start([Reply::Bytes(reply.into())]);
        let error = transport()
            .send(get(server.url()), SendOptions::new(Idempotency::Safe))
            .await
            .unwrap_err();
        assert_eq!(error.kind(), TransportErrorKind::InvalidResponse, "{reply}");
        assert_eq!(server.requests().len(), 1);
    }
}

#[tokio::test]
async fn silence_is_a_timeout() {
    let server = HttpServer::start([Reply::Silence]);
    let options = ReqwestOptions::new().with_first_byte_timeout(Duration::from_millis(50));
    let transport = transport_with(ReqwestService::new(&options).unwrap());
    let error = transport
        .send(get(server.url()), SendOptions::new(Idempotency::Unsafe))
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind(), error.is_certainly_unsent()),
        (TransportErrorKind::Timeout, false)
    );
}

#[tokio::test]
async fn a_server_without_tls_is_final() {
    let server = HttpServer::start([response("400 Bad Request", "", "")]);
    let url = server.url().replace("http:", "https:");
    let error = transport()
        .send(get(&url), SendOptions::new(Idempotency::Safe))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), TransportErrorKind::Tls);
    assert_eq!(
        (error.is_certainly_unsent(), error.attempts().len()),
        (true, 1)
    );
}

#[tokio::test]
async fn a_broken_or_stalled_handshake_sent_nothing() {
    let server = HttpServer::start([Reply::Reset, Reply::Silence]);
    let url = server.url().replace("http:", "https:");
    let options = ReqwestOptions::new().with_connect_timeout(Duration::from_millis(50));
    let service = ReqwestService::new(&options).unwrap();
    let retry = hh_transport::RetryPolicy::new().with_max_attempts(1);
    let transport = hh_transport::Transport::builder(std::sync::Arc::new(service))
        .with_retry(retry)
        .build();
    for kind in [TransportErrorKind::Unreachable, TransportErrorKind::Timeout] {
        let error = transport
            .send(get(&url), SendOptions::new(Idempotency::Unsafe))
            .await
            .unwrap_err();
        assert_eq!(
            (error.kind(), error.is_certainly_unsent()),
            (kind, true),
            "{error}"
        );
    }
}

#[tokio::test]
async fn errors_hide_the_query() {
    let address = closed_address();
    let url = format!("http://{address}/?key=hh_rw_0123456789abcdef");
    // The URI in the error of reqwest contains the key.
    assert!(
        get(&url)
            .uri()
            .to_string()
            .contains("hh_rw_0123456789abcdef")
    );
    let error = transport()
        .send(get(&url), SendOptions::new(Idempotency::Safe))
        .await
        .unwrap_err();
    let mut shown = format!("{error} {error:?}");
    let mut source = std::error::Error::source(&error);
    while let Some(cause) = source {
        shown = format!("{shown} {cause} {cause:?}");
        source = cause.source();
    }
    assert!(!shown.contains("hh_rw_0123456789abcdef"), "{shown}");
}

#[test]
fn a_service_is_created_without_a_runtime() {
    assert!(ReqwestService::new(&ReqwestOptions::new()).is_ok());
}
