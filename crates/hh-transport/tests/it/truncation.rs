//! Responses that are truncated after each byte, which must not count as a success.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use hh_testing::{HttpServer, Reply};
use hh_transport::{
    Idempotency, ReqwestOptions, Response, SendOptions, Transport, TransportError,
    TransportErrorKind,
};

use crate::{post, service, transport_of};

const BODY: &str = r#"{"id": "4711", "items": [1, 2, 3], "note": "a body of some length"}"#;

fn transport() -> Transport {
    transport_of(service(&ReqwestOptions::new()), 1)
}

async fn send(transport: &Transport, server: &HttpServer) -> Result<Response, TransportError> {
    let request = post(server.url(), "{}");
    transport
        .send(request, SendOptions::new(Idempotency::Unsafe))
        .await
}

fn head(lines: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n{lines}\r\n").into_bytes()
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

fn sized(lines: &str, body: &[u8]) -> Vec<u8> {
    let mut whole = head(&format!("content-length: {}\r\n{lines}", body.len()));
    whole.extend_from_slice(body);
    whole
}

fn chunked(lines: &str, body: &[u8], end: &str) -> Vec<u8> {
    let mut whole = head(&format!("transfer-encoding: chunked\r\n{lines}"));
    for chunk in body.chunks(24) {
        write!(whole, "{:x};a=b\r\n", chunk.len()).unwrap();
        whole.extend_from_slice(chunk);
        whole.extend_from_slice(b"\r\n");
    }
    whole.extend_from_slice(end.as_bytes());
    whole
}

/// Truncates `whole` after each number of bytes, by a close and by a reset, and expects an error each time. Returns the
/// number of cases and the lengths with a success.
async fn cut_everywhere(whole: &[u8]) -> (usize, Vec<usize>) {
    let transport = transport();
    let (mut points, mut successes) = (0, Vec::new());
    for is_reset in [false, true] {
        let cut = whole.to_vec();
        let server = HttpServer::with(move |request| {
            let part = cut[..request.number].to_vec();
            if is_reset {
                Reply::BytesThenReset(part)
            } else {
                Reply::Bytes(part)
            }
        });
        for length in 0..whole.len() {
            match send(&transport, &server).await {
                Ok(_) => successes.push(length),
                Err(error) => {
                    let kind = error.kind();
                    let is_lost = kind == TransportErrorKind::Interrupted;
                    let is_unusable = kind == TransportErrorKind::InvalidResponse;
                    assert!(is_lost || is_unusable, "{error} after {length} bytes");
                    assert!(!error.is_certainly_unsent());
                }
            }
            points += 1;
        }
        assert_eq!(server.requests().len(), whole.len());
    }
    (points, successes)
}

async fn is_success(whole: &[u8]) -> bool {
    let server = HttpServer::start([Reply::Bytes(whole.to_vec())]);
    let sent = send(&transport(), &server).await;
    sent.is_ok_and(|response| response.body() == BODY)
}

#[tokio::test]
async fn with_a_length() {
    let whole = sized("", BODY.as_bytes());
    assert!(is_success(&whole).await);
    assert_eq!(cut_everywhere(&whole).await, (2 * whole.len(), vec![]));
}

#[tokio::test]
async fn in_chunks() {
    let whole = chunked("", BODY.as_bytes(), "0\r\n\r\n");
    assert!(is_success(&whole).await);
    assert_eq!(cut_everywhere(&whole).await, (2 * whole.len(), vec![]));
}

#[tokio::test]
async fn in_chunks_with_trailers() {
    let whole = chunked(
        "trailer: x-sum\r\n",
        BODY.as_bytes(),
        "0\r\nx-sum: 1\r\n\r\n",
    );
    assert!(is_success(&whole).await);
    assert_eq!(cut_everywhere(&whole).await, (2 * whole.len(), vec![]));
}

#[tokio::test]
async fn compressed_with_a_length() {
    let whole = sized("content-encoding: gzip\r\n", &gzip(BODY));
    assert!(is_success(&whole).await);
    assert_eq!(cut_everywhere(&whole).await, (2 * whole.len(), vec![]));
}

#[tokio::test]
async fn compressed_in_chunks() {
    let whole = chunked("content-encoding: gzip\r\n", &gzip(BODY), "0\r\n\r\n");
    assert!(is_success(&whole).await);
    assert_eq!(cut_everywhere(&whole).await, (2 * whole.len(), vec![]));
}

/// The end of the connection ends the body, so that truncation cannot be detected.
#[tokio::test]
async fn without_a_length() {
    for (lines, body) in [
        ("", BODY.as_bytes()),
        ("connection: close\r\n", BODY.as_bytes()),
        ("content-encoding: gzip\r\n", &gzip(BODY)),
    ] {
        let head = head(lines);
        let whole = [&head, body].concat();
        assert!(!is_success(&whole).await);
        let (points, mut successes) = cut_everywhere(&whole).await;
        // See below.
        successes.retain(|length| *length != head.len());
        assert_eq!((points, successes), (2 * whole.len(), vec![]));
    }
}

#[tokio::test]
async fn without_a_length_before_the_first_byte_of_the_body() {
    let transport = transport();
    for lines in ["", "content-encoding: gzip\r\n", "connection: close\r\n"] {
        let server = HttpServer::start([Reply::Bytes(head(lines))]);
        let error = send(&transport, &server).await.unwrap_err();
        assert_eq!(error.kind(), TransportErrorKind::InvalidResponse);
    }
}

/// If the last transfer encoding is not "chunked", the end of the connection also ends the body.
#[tokio::test]
async fn in_a_transfer_encoding_without_an_end() {
    let heads = [
        "transfer-encoding: identity\r\n",
        "transfer-encoding:\r\n",
        "transfer-encoding: chunked, gzip\r\n",
        "transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n",
        "transfer-encoding: identity\r\ncontent-length: 1000\r\n",
    ];
    let transport = transport();
    for lines in heads {
        let whole = [&head(lines), BODY.as_bytes()].concat();
        let server = HttpServer::start([Reply::Bytes(whole)]);
        let sent = send(&transport, &server).await;
        let error = sent.expect_err(lines);
        assert_eq!(error.kind(), TransportErrorKind::InvalidResponse, "{lines}");
    }
}
