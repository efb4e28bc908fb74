//! Tests limits of request heads, and headers that must not be repeated.

use super::support::{Client, JSON, TestServer};

const LIMIT: usize = 32 * 1024;
const PATH: &str = "/v1/projects";

/// Sends bytes in pieces; returns the status of the response.
async fn status(client: &Client, head: &[u8], piece: usize) -> u16 {
    let mut connection = client.connect().await;
    for part in head.chunks(piece) {
        // The server may respond before the end of the head.
        if !connection.write(part).await {
            break;
        }
    }
    let status = connection.answer().await.status;
    if status != 200 {
        connection.closed().await;
    }
    status
}

/// Returns a head of a size, in bytes, that is filled in one of several places.
fn filled(client: &Client, size: usize, place: usize) -> Vec<u8> {
    let build = |fill: &str| match place {
        0 => client.head("GET", PATH, &[("x", fill)]),
        1 => client.head("GET", &format!("{PATH}?name={fill}"), &[]),
        2 => {
            let half = fill.len() / 2;
            client.head("GET", PATH, &[("x", &fill[..half]), ("y", &fill[half..])])
        }
        _ => client.head("GET", PATH, &[(&format!("x{fill}"), "1")]),
    };
    let fill = size - build("").len();
    let head = build(&"a".repeat(fill));
    assert_eq!(head.len(), size);
    head
}

#[tokio::test]
async fn a_request_head_has_at_most_32_kib() {
    let server = TestServer::start().await;
    let admin = server.admin();
    for place in 0..4 {
        for (size, wanted) in [
            (LIMIT - 1, 200),
            (LIMIT, 200),
            (LIMIT + 1, 431),
            (2 * LIMIT, 431),
        ] {
            for piece in [usize::MAX, 1000] {
                let head = filled(&admin, size, place);
                let got = status(&admin, &head, piece.min(size)).await;
                assert_eq!(got, wanted, "{size} bytes, place {place}, {piece} at once");
            }
        }
    }
    // A head without an end is rejected too.
    let endless = filled(&admin, 4 * LIMIT, 0);
    let got = status(&admin, &endless[..=LIMIT], 4096).await;
    assert_eq!(got, 431);
}

#[tokio::test]
async fn a_body_does_not_count_as_head() {
    let server = TestServer::start().await;
    let admin = server.admin();
    let body = format!("{{\"filters\": [], \"x\": \"{}\"}}", "a".repeat(LIMIT));
    let length = body.len().to_string();
    let headers = [JSON, ("content-length", &length)];
    let used = admin.head("POST", "/v1/events/export", &headers).len() + "x: \r\n".len();
    let fill = "a".repeat(LIMIT - used);
    let headers = [JSON, ("content-length", &length), ("x", &fill)];
    let mut bytes = admin.head("POST", "/v1/events/export", &headers);
    assert_eq!(bytes.len(), LIMIT);
    bytes.extend_from_slice(body.as_bytes());
    assert_eq!(status(&admin, &bytes, usize::MAX).await, 200);
}

#[tokio::test]
async fn a_request_has_at_most_100_headers() {
    let server = TestServer::start().await;
    let admin = server.admin();
    let names: Vec<_> = (0..400).map(|number| format!("x-{number}")).collect();
    // Two more headers are the key and the host.
    for (count, wanted) in [(97, 200), (98, 200), (99, 431), (398, 431)] {
        for repeated in [false, true] {
            let name = |number: usize| {
                if repeated {
                    "x"
                } else {
                    names[number].as_str()
                }
            };
            let headers: Vec<_> = (0..count).map(|number| (name(number), "1")).collect();
            let head = admin.head("GET", PATH, &headers);
            assert_eq!(status(&admin, &head, usize::MAX).await, wanted, "{count}");
        }
    }
}

#[tokio::test]
async fn a_second_authorization_or_host_header_is_400_everywhere() {
    let server = TestServer::start().await;
    let admin = server.admin();
    let anonymous = server.anonymous();
    let value = format!("Bearer {}", server.first_key());
    let other = format!(
        "Bearer {}",
        server.mint(hh_auth::Level::ReadOnly, "all").await.1
    );
    let targets = [
        ("GET", "/api/v1/health"),
        ("GET", "/v1/auth/whoami"),
        ("GET", "/v1/api_keys"),
        ("POST", "/session/start"),
        ("PUT", "/events"),
        ("DELETE", "/v1/api_keys/none"),
        ("PATCH", "/v1/projects"),
        ("GET", "/nowhere"),
    ];
    for (method, path) in targets {
        for (name, value) in [
            ("authorization", value.as_str()),
            ("Authorization", other.as_str()),
            ("AUTHORIZATION", ""),
            ("authorization", "Basic eA=="),
            ("host", "test"),
            ("Host", "example.com"),
            ("HOST", ""),
        ] {
            let answer = admin.send(method, path, &[(name, value)], b"").await;
            let message = answer.assert_problem(400);
            let name = name.to_ascii_lowercase();
            assert!(message.contains(&name), "{method} {path}: {message}");
            assert!(!message.contains("hh_"), "{message}");
        }
    }
    // The same holds without a key, and for any number of repeated headers.
    let hosts = [("host", "a"), ("host", "b"), ("host", "c")];
    anonymous
        .send("GET", "/v1/auth/whoami", &hosts, b"")
        .await
        .assert_problem(400);
    let keys = [("authorization", value.as_str()); 3];
    anonymous
        .send("GET", "/v1/auth/whoami", &keys, b"")
        .await
        .assert_problem(400);
    anonymous
        .send("GET", "/v1/auth/whoami", &keys[..1], b"")
        .await
        .assert_ok();
    anonymous
        .send("GET", "/api/v1/health", &[], b"")
        .await
        .assert_ok();
}
