//! Responses that are not HTTP or not API responses.

use hh_testing::{HttpServer, Reply, response};
use hh_transport::{
    Idempotency, ReqwestOptions, Response, SendOptions, Transport, TransportError,
    TransportErrorKind,
};

use crate::{get, service, transport_of};

fn transport() -> Transport {
    transport_of(service(&ReqwestOptions::new()), 4)
}

async fn send(transport: &Transport, url: &str) -> Result<Response, TransportError> {
    transport
        .send(get(url), SendOptions::new(Idempotency::Safe))
        .await
}

/// Expects each of these responses to be final, and returns the messages without the name of the server.
async fn unusable(transport: &Transport, replies: &[&[u8]]) -> Vec<String> {
    let mut messages = Vec::new();
    for reply in replies {
        let server = HttpServer::start([Reply::Bytes(reply.to_vec())]);
        let shown = String::from_utf8_lossy(&reply[..reply.len().min(200)]);
        let sent = send(transport, server.url()).await;
        assert!(sent.is_err(), "{shown}: {sent:?}");
        let error = sent.unwrap_err();
        assert_eq!(
            error.kind(),
            TransportErrorKind::InvalidResponse,
            "{shown}: {error}"
        );
        assert_eq!(server.requests().len(), 1, "{shown}");
        assert!(!error.is_certainly_unsent(), "{shown}");
        let message = error.to_string();
        messages.push(message.replacen(server.host(), "SERVER", 1));
    }
    messages
}

fn chunked(body: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{body}").into_bytes()
}

#[tokio::test]
async fn bad_chunks() {
    let overflow = format!("{}\r\nhello\r\n0\r\n\r\n", "f".repeat(17));
    let extension = format!("5;{}\r\nhello\r\n0\r\n\r\n", "x".repeat(100_000));
    let trailers = format!("5\r\nhello\r\n0\r\n{}\r\n", "x: y\r\n".repeat(2_000));
    let long_trailer = format!("5\r\nhello\r\n0\r\nx: {}\r\n\r\n", "y".repeat(500_000));
    let bodies = [
        "zz\r\nhello\r\n0\r\n\r\n",
        "\r\nhello\r\n0\r\n\r\n",
        "-5\r\nhello\r\n0\r\n\r\n",
        "0x5\r\nhello\r\n0\r\n\r\n",
        " 5\r\nhello\r\n0\r\n\r\n",
        "5 5\r\nhello\r\n0\r\n\r\n",
        "5\nhello\n0\n\n",
        "5\r\nhelloX\r\n0\r\n\r\n",
        "5\r\nhello0\r\n\r\n",
        "4\r\nhello\r\n0\r\n\r\n",
        "6\r\nhello\r\n0\r\n\r\n",
        "5;a\nb\r\nhello\r\n0\r\n\r\n",
        "5\r\nhello\r\n0\r\nno trailer\r\n\r\n",
        &overflow,
        &extension,
        &trailers,
        &long_trailer,
    ];
    let replies: Vec<Vec<u8>> = bodies.iter().map(|body| chunked(body)).collect();
    let replies: Vec<&[u8]> = replies.iter().map(Vec::as_slice).collect();
    for message in unusable(&transport(), &replies).await {
        assert_eq!(message, "the response from SERVER is not valid HTTP");
    }
}

#[tokio::test]
async fn heads_that_are_no_http() {
    let long = [
        b"HTTP/1.1 200 OK\r\nx: ",
        "y".repeat(1024 * 1024).as_bytes(),
        b"\r\n\r\n",
    ]
    .concat();
    let many = [
        b"HTTP/1.1 200 OK\r\n",
        "x: y\r\n".repeat(1_000).as_bytes(),
        b"\r\n",
    ]
    .concat();
    let replies = [
        &b"SSH-2.0-OpenSSH_9.9\r\n"[..],
        b"<html>200 OK</html>",
        b"HTTP/2 200 OK\r\n\r\n",
        b"HTTP/9.9 200 OK\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.1 20 OK\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.1 2000 OK\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.1 -200 OK\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nx\0y: z\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nx: a\0b\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: five\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\ncontent-length: -5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\ncontent-length: 5, 6\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999999999999\r\n\r\nhello",
        b"\x15\x03\x03\0\x02\x02\x28",
        b"\0\0\x12\x04\0\0\0\0\0\0\x03\0\0\0\x64",
        b"\xff\xfe\0\0\r\n\r\n",
        &long,
        &many,
    ];
    for message in unusable(&transport(), &replies).await {
        assert_eq!(message, "the response from SERVER is not valid HTTP");
    }
}

/// A captive portal responds to every request with its login page.
#[tokio::test]
async fn a_page_is_no_answer() {
    let types = [
        "text/html",
        "text/html; charset=utf-8",
        "TEXT/HTML;charset=utf-8",
        " text/html ",
        "application/xhtml+xml",
    ];
    let transport = transport();
    for status in ["200 OK", "201 Created", "203 Non-Authoritative Information"] {
        for kind in types {
            let head = format!("content-type: {kind}\r\n");
            let server = HttpServer::start([response(status, &head, "<html>log in</html>")]);
            let error = send(&transport, server.url()).await.unwrap_err();
            assert_eq!(error.kind(), TransportErrorKind::InvalidResponse, "{kind}");
            assert!(
                error
                    .to_string()
                    .contains(" is a web page, not an API response"),
                "{error}"
            );
            assert_eq!(server.requests().len(), 1);
        }
    }
}

/// No text of a proxy's error page is printed.
#[tokio::test]
async fn a_page_of_a_refusal_is_no_problem() {
    let head = "content-type: text/html\r\n";
    let page = "<html><title>502</title>{\"message\": \"odd\"}</html>";
    let server = HttpServer::start([response("502 Bad Gateway", head, page)]);
    let error = send(&transport(), server.url()).await.unwrap_err();
    assert_eq!(error.kind(), TransportErrorKind::Unavailable);
    assert_eq!(
        error.to_string(),
        format!("{} responded with 502 Bad Gateway", server.host())
    );
    assert!(error.problem().is_none());
    assert_eq!(server.requests().len(), 4);
}

#[tokio::test]
async fn the_cap_of_a_call_comes_before_the_cap_of_the_service() {
    let body = "b".repeat(1_000);
    let sized = response("200 OK", "", &body);
    let in_chunks = Reply::Bytes(chunked(&format!("3e8\r\n{body}\r\n0\r\n\r\n")));
    for reply in [sized, in_chunks] {
        let server = HttpServer::start([reply]);
        for (of_service, of_call, is_ok) in [
            (1_000, None, true),
            (999, None, false),
            (999, Some(1_000), true),
            (5_000, Some(999), false),
            (0, Some(usize::MAX), true),
            (5_000, Some(0), false),
        ] {
            let options = ReqwestOptions::new().with_max_response_bytes(of_service);
            let mut how = SendOptions::new(Idempotency::Safe);
            if let Some(bytes) = of_call {
                how = how.with_max_response_bytes(bytes);
            }
            let transport = transport_of(service(&options), 1);
            let sent = transport.send(get(server.url()), how).await;
            assert_eq!(sent.is_ok(), is_ok, "{of_service} {of_call:?}: {sent:?}");
            if let Err(error) = sent {
                assert_eq!(error.kind(), TransportErrorKind::InvalidResponse);
                assert!(error.to_string().ends_with(" exceeds the size limit"));
            }
        }
    }
}

/// Extra bytes of a server are not the response to the next request.
#[tokio::test]
async fn surplus_bytes_answer_nothing() {
    let smuggled = "HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\nsmuggled";
    let kept = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";
    let both = Reply::Keep(format!("{kept}{smuggled}").into());
    let transport = transport();
    for _ in 0..20 {
        let server = HttpServer::start([both.clone(), response("200 OK", "", "second")]);
        let bodies = [
            send(&transport, server.url()).await.unwrap().into_body(),
            send(&transport, server.url()).await.unwrap().into_body(),
        ];
        assert_eq!(bodies, ["hello", "second"]);
    }
}

/// These responses have no body, regardless of their head, so they need no length.
#[tokio::test]
async fn a_success_without_a_body_needs_no_length() {
    for head in [
        "HTTP/1.1 204 No Content\r\n\r\n",
        "HTTP/1.1 204 No Content\r\ncontent-length: 5\r\n\r\n",
    ] {
        let server = HttpServer::start([Reply::Bytes(head.into())]);
        let response = send(&transport(), server.url()).await.unwrap();
        assert_eq!(
            (response.status().as_u16(), response.body().len()),
            (204, 0)
        );
    }
}

#[tokio::test]
async fn provisional_answers_come_before_the_answer() {
    let early = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n";
    let reply = format!("{early}HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello");
    let server = HttpServer::start([Reply::Bytes(reply.into())]);
    assert_eq!(
        send(&transport(), server.url()).await.unwrap().body(),
        "hello"
    );
}
