//! Complete responses.

use hh_testing::{HttpServer, Reply, response};
use hh_transport::{Idempotency, ReqwestOptions, ReqwestService, SendOptions, TransportErrorKind};

use crate::{get, post, transport, transport_with};

#[tokio::test]
async fn success() {
    let server = HttpServer::start([response("200 OK", "x-a: b\r\n", "hello")]);
    let request = post(&format!("{}/path?q=1", server.url()), "body");
    let response = transport()
        .send(request, SendOptions::new(Idempotency::Unsafe))
        .await
        .unwrap();
    assert_eq!(
        (
            response.body().as_ref(),
            response.headers()["x-a"].as_bytes()
        ),
        (&b"hello"[..], &b"b"[..])
    );
    let request = &server.request_texts()[0];
    assert!(
        request.starts_with("POST /path?q=1 HTTP/1.1\r\n") && request.ends_with("\r\n\r\nbody"),
        "{request}"
    );
    assert!(
        request.contains("\r\nuser-agent: honeyhive-rust/"),
        "{request}"
    );
}

#[tokio::test]
async fn unavailable_then_success() {
    let server = HttpServer::start([
        response("503 Service Unavailable", "", ""),
        response("200 OK", "", ""),
    ]);
    let sent = transport()
        .send(get(server.url()), SendOptions::new(Idempotency::Safe))
        .await;
    assert!(sent.is_ok());
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let target = HttpServer::start([response("200 OK", "", "")]);
    let location = format!("location: {}\r\n", target.url());
    let server = HttpServer::start([response("302 Found", &location, "")]);
    let error = transport()
        .send(get(server.url()), SendOptions::new(Idempotency::Safe))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), TransportErrorKind::Rejected);
    let host = server
        .url()
        .trim_start_matches("http://")
        .trim_end_matches('/');
    assert_eq!(
        error.to_string(),
        format!("{host} responded with 302 Found")
    );
    assert_eq!((server.requests().len(), target.requests().len()), (1, 0));
}

#[tokio::test]
async fn a_refusal_keeps_its_status_without_a_whole_body() {
    let head = "HTTP/1.1 403 Forbidden\r\ncontent-length: 100\r\n\r\n{".into();
    let server = HttpServer::start([Reply::Bytes(head)]);
    let error = transport()
        .send(get(server.url()), SendOptions::new(Idempotency::Safe))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), TransportErrorKind::PermissionDenied);
    assert!(error.problem().is_none());
}

#[tokio::test]
async fn a_body_over_the_cap_is_an_error() {
    let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
    let server = HttpServer::start([
        response("200 OK", "", "hell"),
        response("200 OK", "", "hello"),
        Reply::Bytes(chunked.into()),
    ]);
    let service = ReqwestService::new(&ReqwestOptions::new().with_max_response_bytes(4)).unwrap();
    let transport = transport_with(service);
    assert!(
        transport
            .send(get(server.url()), SendOptions::new(Idempotency::Safe))
            .await
            .is_ok()
    );
    for _ in 0..2 {
        let error = transport
            .send(get(server.url()), SendOptions::new(Idempotency::Safe))
            .await
            .unwrap_err();
        assert_eq!(error.kind(), TransportErrorKind::InvalidResponse);
    }
    assert_eq!(server.requests().len(), 3);
}
