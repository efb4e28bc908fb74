//! Tests requests of web pages from other origins.

use super::support::{TRACES, TestServer};

const PAGE: (&str, &str) = ("origin", "https://app.example.com");
const PREFLIGHT: (&str, &str) = ("access-control-request-method", "POST");

#[tokio::test]
async fn only_listed_origins_may_use_the_server_from_a_web_page() {
    let server = TestServer::start_with("cors_origins: [\"https://app.example.com\"]\n").await;
    let wanted = (
        "access-control-request-headers",
        "authorization, content-type, x-custom",
    );
    // A browser sends no key with a preflight request.
    let page = server.anonymous();
    let answer = page
        .send("OPTIONS", TRACES, &[PAGE, PREFLIGHT, wanted], b"")
        .await;
    assert_eq!(answer.status, 204);
    for (name, value) in [
        ("access-control-allow-origin", PAGE.1),
        ("access-control-allow-headers", wanted.1),
        (
            "access-control-allow-methods",
            "GET, POST, PUT, PATCH, DELETE",
        ),
        ("vary", "origin"),
    ] {
        assert_eq!(answer.header(name), Some(value), "{name}");
    }
    // Errors can be read by the page too.
    for answer in [
        server
            .admin()
            .send("GET", "/v1/auth/whoami", &[PAGE], b"")
            .await,
        page.send("GET", "/v1/auth/whoami", &[PAGE], b"").await,
        page.send("GET", "/nowhere", &[PAGE], b"").await,
    ] {
        assert_eq!(answer.header("access-control-allow-origin"), Some(PAGE.1));
    }
    let other = ("origin", "https://app.example.com.evil.example");
    let answer = page.send("OPTIONS", TRACES, &[other, PREFLIGHT], b"").await;
    answer.assert_problem(405);
    assert_eq!(answer.header("access-control-allow-origin"), None);
    let answer = server
        .admin()
        .send("GET", "/v1/auth/whoami", &[other], b"")
        .await;
    assert_eq!(answer.header("access-control-allow-origin"), None);
    assert_eq!(answer.header("vary"), Some("origin"));
}

#[tokio::test]
async fn without_a_list_no_header_is_sent() {
    let server = TestServer::start().await;
    let answer = server
        .anonymous()
        .send("OPTIONS", TRACES, &[PAGE, PREFLIGHT], b"")
        .await;
    answer.assert_problem(405);
    let answer = server
        .admin()
        .send("GET", "/v1/auth/whoami", &[PAGE], b"")
        .await;
    for name in ["access-control-allow-origin", "vary"] {
        assert_eq!(answer.header(name), None, "{name}");
    }
}
