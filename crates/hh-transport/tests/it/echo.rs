//! Servers that echo the request, including the key.

use hh_testing::{HttpServer, Reply, response};
use hh_transport::{Idempotency, ReqwestOptions, ReqwestService, SendOptions, TransportError};

use crate::canary::{Canary, KEY, all_text};
use crate::{post, service, transport_of};

const STATUSES: [&str; 9] = [
    "400 Bad Request",
    "401 Unauthorized",
    "403 Forbidden",
    "404 Not Found",
    "409 Conflict",
    "422 Unprocessable Content",
    "429 Too Many Requests",
    "500 Internal Server Error",
    "503 Service Unavailable",
];

/// Whole and truncated keys.
const KEYS: [&str; 3] = [KEY, "hh_dev_key", "hh_rw-with-dashes_and_words-in-it"];

/// Sends a key to a server that builds its response from the request, and proves that the response contains `leak`.
async fn fail(
    service: &ReqwestService,
    key: &'static str,
    leak: &str,
    reply: impl Fn(&str) -> Reply + Send + Sync + 'static,
) -> TransportError {
    let server = HttpServer::with(move |request| reply(&request.text()));
    let transport = transport_of(service.clone(), 2);
    let canary = Canary(key);
    let how = SendOptions::new(Idempotency::Safe).with_authorizer(&canary);
    let error = transport
        .send(post(server.url(), "{}"), how)
        .await
        .unwrap_err();
    assert!(server.sent().contains(leak), "{}", server.sent());
    error
}

/// Returns an API error with the same text in all fields.
fn problem(status: &str, text: &str) -> Reply {
    let text = serde_json::Value::from(text);
    let body = format!(
        r#"{{"message": {text}, "errorCode": {text}, "request_id": {text}, "other": {text}}}"#
    );
    response(status, "content-type: application/json\r\n", body)
}

#[tokio::test]
async fn all_headers_in_the_error() {
    let service = service(&ReqwestOptions::new());
    for status in STATUSES {
        for key in KEYS {
            let echo = move |request: &str| problem(status, request);
            let error = fail(&service, key, key, echo).await;
            assert_eq!(error.status().unwrap().as_str(), &status[..3]);
            let text = all_text(&error);
            assert!(!text.contains(key), "{status}: {text}");
            // Text that is not secret remains.
            let problem = error.problem().unwrap();
            for said in [problem.message(), problem.code(), problem.request_id()] {
                let said = said.unwrap();
                assert!(
                    said.contains("POST / HTTP/1.1") && said.contains("[redacted]"),
                    "{said}"
                );
            }
        }
    }
}

/// A server may echo the key without its scheme, inside a word, truncated or escaped.
#[tokio::test]
async fn the_key_in_other_shapes() {
    let service = service(&ReqwestOptions::new());
    let cut = &KEY[..14];
    let shapes = [
        format!("key {cut}... is unknown"),
        format!("key={cut}"),
        format!("<{cut}\u{2026}>"),
        format!("x{KEY}x"),
        format!("{KEY}{KEY}"),
        format!("\u{1b}[31m{KEY}\u{1b}[0m"),
        format!("{}\0{}", &KEY[..9], &KEY[9..]),
        format!("{}\u{1b}{}", &KEY[..5], &KEY[5..]),
        format!("{}\u{200b}{}", &KEY[..20], &KEY[20..]),
        format!("{}\r\n{}", &KEY[..10], &KEY[10..]),
        format!("{}{KEY}", "a".repeat(2_040)),
        format!("{}{cut}", "\u{e9}".repeat(1_020)),
        format!("Bearer {KEY}"),
        format!("bearer\t{KEY}"),
    ];
    for status in ["401 Unauthorized", "500 Internal Server Error"] {
        for shape in &shapes {
            let text = shape.clone();
            let echo = move |_: &str| problem(status, &text);
            let error = fail(&service, KEY, &KEY[..5], echo).await;
            let text = all_text(&error);
            assert!(!text.contains(cut), "{shape:?}: {text}");
            assert!(!text.contains("C4N4RY0123456789"), "{shape:?}: {text}");
            // Only a key that was truncated at the end has no replacement.
            assert!(
                text.contains("[redacted]") || shape.len() > 2_000,
                "{shape:?}: {text}"
            );
        }
    }
}

#[tokio::test]
async fn an_escape_sequence_inside_the_key() {
    let service = service(&ReqwestOptions::new());
    for at in [4, 8, 16, 24] {
        for escape in ["\u{1b}[1m", "\u{1b}[0;31m", "\u{1b}]8;;\u{7}", "\u{9b}7m"] {
            let text = format!("{}{escape}{}", &KEY[..at], &KEY[at..]);
            let echo = move |_: &str| problem("401 Unauthorized", &text);
            let error = fail(&service, KEY, &KEY[at..], echo).await;
            let text = all_text(&error);
            assert!(!text.contains(&KEY[at..]), "{at} {escape:?}: {text}");
        }
    }
}

#[tokio::test]
async fn control_characters_do_not_reach_a_terminal() {
    let service = service(&ReqwestOptions::new());
    let text = "a\u{1b}]0;title\u{7}b\u{1b}[2Jc\0d\u{9b}31me\u{202e}f\r\ng\u{7f}";
    let echo = |_: &str| problem("400 Bad Request", text);
    let error = fail(&service, KEY, "\\u001b", echo).await;
    let message = error.problem().unwrap().message().unwrap();
    assert_eq!(message, "abcdefg");
    assert!(!all_text(&error).contains(|c: char| c.is_control() && c != '\n'));
}

#[tokio::test]
async fn a_long_text_is_cut_and_a_longer_body_is_not_read() {
    let service = service(&ReqwestOptions::new());
    for (length, is_read) in [(20 * 1024, true), (1024 * 1024, false)] {
        let echo =
            move |_: &str| problem("400 Bad Request", &format!("{KEY} {}", "x".repeat(length)));
        let error = fail(&service, KEY, KEY, echo).await;
        let problem = error.problem();
        assert_eq!(problem.is_some(), is_read);
        if let Some(problem) = problem {
            assert!(problem.message().unwrap().len() <= 2 * 1024);
        }
        assert!(!all_text(&error).contains(KEY));
    }
}

/// The key is in all parts of the response except the body.
#[tokio::test]
async fn the_key_in_the_head() {
    let service = service(&ReqwestOptions::new());
    for status in ["400", "429", "502", "302"] {
        let echo = move |_: &str| {
            let lines = format!(
                "location: http://a.test/{KEY}\r\nwww-authenticate: {KEY}\r\nretry-after: {KEY}\r\n{KEY}: 1\r\n"
            );
            response(&format!("{status} {KEY}"), &lines, "")
        };
        let error = fail(&service, KEY, KEY, echo).await;
        assert_eq!(error.status().unwrap().as_str(), status);
        let text = all_text(&error).to_lowercase();
        assert!(!text.contains(&KEY.to_lowercase()), "{text}");
    }
}

/// A response that is not HTTP may be quoted in an error.
#[tokio::test]
async fn the_key_in_what_is_malformed() {
    let service = service(&ReqwestOptions::new());
    let replies = [
        format!("{KEY}\r\n\r\n"),
        format!("HTTP/1.1 {KEY} OK\r\n\r\n"),
        format!("HTTP/1.1 200 OK\r\n{KEY}\r\n\r\n"),
        format!("HTTP/1.1 200 OK\r\ncontent-length: {KEY}\r\n\r\n"),
        format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{KEY}\r\n"),
        format!("HTTP/1.1 200 OK\r\ncontent-encoding: {KEY}\r\ncontent-length: 1\r\n\r\na"),
        format!("HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 43\r\n\r\n{KEY}"),
    ];
    for reply in replies {
        let echo = move |_: &str| Reply::Bytes(reply.clone().into());
        let error = fail(&service, KEY, KEY, echo).await;
        assert!(!all_text(&error).contains(KEY), "{error:?}");
    }
}
