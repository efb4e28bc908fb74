//! Compressed bodies of responses and requests.

use std::io::{Read as _, Write as _};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use hh_testing::{HttpServer, Reply, response};
use hh_transport::{Idempotency, ReqwestOptions, SendOptions, Transport, TransportErrorKind};

use crate::{get, post, service, transport_of};

const TEXT: &str = r#"{"event": "a text of a request that is compressed"}"#;
const REFUSAL: &str = "415 Unsupported Media Type";

fn transport() -> Transport {
    transport_of(service(&ReqwestOptions::new()), 4)
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn gunzip(bytes: &[u8]) -> String {
    let mut text = String::new();
    GzDecoder::new(bytes).read_to_string(&mut text).unwrap();
    text
}

#[tokio::test]
async fn a_compressed_answer_is_inflated() {
    for encoding in ["gzip", "x-gzip"] {
        let head = format!("content-encoding: {encoding}\r\n");
        let server = HttpServer::start([response("200 OK", &head, gzip(TEXT.as_bytes()))]);
        let sent = transport()
            .send(get(server.url()), SendOptions::new(Idempotency::Safe))
            .await;
        assert_eq!(sent.unwrap().body(), TEXT, "{encoding}");
        assert!(server.request_texts()[0].contains("\r\naccept-encoding: gzip\r\n"));
    }
}

#[tokio::test]
async fn a_compressed_refusal_is_read() {
    let problem = gzip(br#"{"message": "no such project"}"#);
    let reply = response("404 Not Found", "content-encoding: gzip\r\n", problem);
    let server = HttpServer::start([reply]);
    let sent = transport()
        .send(get(server.url()), SendOptions::new(Idempotency::Safe))
        .await;
    let error = sent.unwrap_err();
    assert_eq!(error.problem().unwrap().message(), Some("no such project"));
}

#[tokio::test]
async fn a_bomb_is_larger_than_allowed() {
    let bomb = gzip(&vec![0; 32 * 1024 * 1024]);
    assert!(bomb.len() < 64 * 1024);
    let server = HttpServer::start([response("200 OK", "content-encoding: gzip\r\n", bomb)]);
    for bytes in [None, Some(1), Some(1024 * 1024)] {
        let mut how = SendOptions::new(Idempotency::Safe);
        if let Some(bytes) = bytes {
            how = how.with_max_response_bytes(bytes);
        }
        let error = transport().send(get(server.url()), how).await.unwrap_err();
        assert_eq!(error.kind(), TransportErrorKind::InvalidResponse);
        assert!(
            error.to_string().ends_with(" exceeds the size limit"),
            "{error}"
        );
    }
    assert_eq!(server.requests().len(), 3);
}

#[tokio::test]
async fn an_invalid_gzip_body_is_an_error() {
    let whole = gzip(TEXT.as_bytes());
    let mut wrong_sum = whole.clone();
    let at = wrong_sum.len() - 8;
    wrong_sum[at] ^= 1;
    let surplus = [&whole[..], b"surplus"].concat();
    for body in [
        TEXT.as_bytes(),
        &whole[..20],
        &wrong_sum,
        &surplus,
        b"\x1f\x8b",
    ] {
        let server = HttpServer::start([response("200 OK", "content-encoding: gzip\r\n", body)]);
        let sent = transport()
            .send(get(server.url()), SendOptions::new(Idempotency::Safe))
            .await;
        let error = sent.unwrap_err();
        assert_eq!(
            error.kind(),
            TransportErrorKind::InvalidResponse,
            "{body:?}"
        );
        assert!(error.to_string().ends_with(" is not valid gzip"), "{error}");
    }
}

#[tokio::test]
async fn another_encoding_is_unusable() {
    for encoding in [
        "br", "deflate", "zstd", "gzip, br", "br, gzip", "\u{e9}", "none",
    ] {
        let head = format!("content-encoding: {encoding}\r\n");
        let server = HttpServer::start([response("200 OK", &head, TEXT)]);
        let sent = transport()
            .send(get(server.url()), SendOptions::new(Idempotency::Safe))
            .await;
        let error = sent.unwrap_err();
        assert_eq!(
            error.kind(),
            TransportErrorKind::InvalidResponse,
            "{encoding}"
        );
        assert!(
            error
                .to_string()
                .ends_with(" uses an unsupported content encoding")
        );
        assert_eq!(server.requests().len(), 1);
    }
}

#[tokio::test]
async fn the_name_of_an_encoding_has_no_case() {
    for encoding in ["GZIP", "Gzip", "X-Gzip", "Identity"] {
        let body = match encoding {
            "Identity" => TEXT.into(),
            _ => gzip(TEXT.as_bytes()),
        };
        let head = format!("content-encoding: {encoding}\r\n");
        let server = HttpServer::start([response("200 OK", &head, body)]);
        let sent = transport()
            .send(get(server.url()), SendOptions::new(Idempotency::Safe))
            .await;
        assert_eq!(sent.unwrap().body(), TEXT, "{encoding}");
    }
}

#[tokio::test]
async fn several_lines_are_several_encodings() {
    let head = "content-encoding: gzip\r\ncontent-encoding: br\r\n";
    let twice = [gzip(&gzip(TEXT.as_bytes())), gzip(b"\x0b\x02\x80hello\x03")];
    for body in twice {
        let server = HttpServer::start([response("200 OK", head, body)]);
        let sent = transport()
            .send(get(server.url()), SendOptions::new(Idempotency::Safe))
            .await;
        assert_eq!(
            sent.unwrap_err().kind(),
            TransportErrorKind::InvalidResponse
        );
    }
}

/// The client does not accept this coding, and the decoded body is not an API response.
#[tokio::test]
async fn a_compressed_transfer_is_unusable() {
    let body = gzip(TEXT.as_bytes());
    let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n";
    let length = format!("{:x}\r\n", body.len());
    let reply = [head.as_bytes(), length.as_bytes(), &body, b"\r\n0\r\n\r\n"].concat();
    let server = HttpServer::start([Reply::Bytes(reply)]);
    let sent = transport()
        .send(get(server.url()), SendOptions::new(Idempotency::Safe))
        .await;
    assert_eq!(
        sent.unwrap_err().kind(),
        TransportErrorKind::InvalidResponse
    );
}

#[tokio::test]
async fn a_request_is_compressed_on_request() {
    let server = HttpServer::start([response("200 OK", "", "")]);
    let how = SendOptions::new(Idempotency::Unsafe);
    for how in [how.clone(), how.with_gzip()] {
        assert!(
            transport()
                .send(post(server.url(), TEXT), how)
                .await
                .is_ok()
        );
    }
    let (requests, bodies) = (server.request_texts(), server.bodies());
    assert!(!requests[0].contains("content-encoding"));
    assert_eq!(bodies[0], TEXT.as_bytes());
    assert!(requests[1].contains("\r\ncontent-encoding: gzip\r\n"));
    assert_eq!(gunzip(&bodies[1]), TEXT);
}

/// This is not a retry, so it has no delay and also applies to unsafe requests.
#[tokio::test]
async fn a_server_that_wants_it_plain_gets_it_plain_from_then_on() {
    let server = HttpServer::start([response(REFUSAL, "", "{}"), response("200 OK", "", "")]);
    let transport = transport_of(service(&ReqwestOptions::new()), 1);
    for _ in 0..3 {
        let how = SendOptions::new(Idempotency::Unsafe).with_gzip();
        assert!(transport.send(post(server.url(), TEXT), how).await.is_ok());
    }
    let requests = server.request_texts();
    let compressed: Vec<bool> = requests
        .iter()
        .map(|request| request.contains("content-encoding: gzip"))
        .collect();
    assert_eq!(compressed, [true, false, false, false]);
    assert_eq!(gunzip(&server.bodies()[0]), TEXT);
    assert_eq!(server.bodies()[1..], [TEXT.as_bytes(); 3]);
}

#[tokio::test]
async fn a_server_that_refuses_it_plain_too_has_refused() {
    let server = HttpServer::start([response(REFUSAL, "", "{}")]);
    let transport = transport();
    for (count, how) in [
        (2, SendOptions::new(Idempotency::Safe).with_gzip()),
        (3, SendOptions::new(Idempotency::Safe)),
    ] {
        let error = transport
            .send(post(server.url(), TEXT), how)
            .await
            .unwrap_err();
        assert_eq!(error.kind(), TransportErrorKind::Rejected);
        assert_eq!(server.requests().len(), count);
    }
}

/// The next attempt is also uncompressed.
#[tokio::test]
async fn a_retry_stays_uncompressed() {
    let busy = response("503 Service Unavailable", "", "{}");
    let replies = [
        response(REFUSAL, "", "{}"),
        busy,
        response("200 OK", "", ""),
    ];
    let server = HttpServer::start(replies);
    let how = SendOptions::new(Idempotency::Safe).with_gzip();
    assert!(
        transport()
            .send(post(server.url(), TEXT), how)
            .await
            .is_ok()
    );
    assert_eq!(server.bodies()[1..], [TEXT.as_bytes(); 2]);
}
