//! Tests keys that the server never issued.

use hh_auth::Level;

use super::support::{Answer, TestServer};

const WHOAMI: &str = "/v1/auth/whoami";

/// Returns a key in the format of HoneyHive with a given start and a valid checksum.
fn guess(start: &str, number: u32) -> String {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let text = format!("{start}{number:0>29}");
    let mut rest = crc32fast::hash(text.as_bytes()) as usize;
    let mut check = [' '; 6];
    for place in check.iter_mut().rev() {
        *place = char::from(DIGITS[rest % 62]);
        rest /= 62;
    }
    text + &String::from_iter(check)
}

/// Returns a response without the values that differ between any two requests.
fn without_names(answer: &Answer) -> String {
    let id = answer.header("x-request-id").unwrap().to_owned();
    let headers = answer.headers().iter().filter(|(name, _)| name != "date");
    let headers: Vec<_> = headers
        .map(|(name, value)| format!("{name}: {value}"))
        .collect();
    let length = id.len();
    format!(
        "{}\n{}\n\n{}",
        answer.status,
        headers.join("\n"),
        answer.text()
    )
    .replace(&id, &"x".repeat(length))
}

#[tokio::test]
async fn what_a_guess_shares_with_a_key_does_not_show_in_its_answer() {
    let server = TestServer::start().await;
    let (_, live) = server.mint(Level::ReadWrite, "all").await;
    let (id, revoked) = server.mint(Level::ReadWrite, "all").await;
    for key in [&live, &revoked] {
        server.client(key).get(WHOAMI).await.assert_ok();
    }
    server
        .admin()
        .delete(&format!("/v1/api_keys/{id}"))
        .await
        .assert_ok();
    // Ids of requests contain a counter. After these requests, all ids of the test have the same length.
    for _ in 0..10 {
        server.admin().get(WHOAMI).await.assert_ok();
    }
    let mut answers = std::collections::BTreeSet::new();
    for number in 0..20 {
        for start in [&live[..8], &revoked[..8], "hh_00000"] {
            let guess = guess(start, number);
            let parsed = hh_auth::ApiKey::parse(&guess).unwrap();
            assert_eq!(hh_auth::checksum(&parsed), hh_auth::Checksum::Valid);
            answers.insert(without_names(&server.client(&guess).get(WHOAMI).await));
        }
    }
    let answers: Vec<_> = answers.into_iter().collect();
    insta::assert_snapshot!(answers.join("\n---\n"), @r#"
    401
    content-type: application/json
    cache-control: no-store
    www-authenticate: Bearer error="invalid_token"
    x-request-id: xxxxxxxxxxx
    content-length: 141

    {"success":false,"statusCode":401,"message":"this server does not know the API key","errorCode":"UNAUTHENTICATED","request_id":"xxxxxxxxxxx"}
    "#);
}

#[tokio::test]
async fn the_challenge_shows_whether_a_key_was_presented() {
    let server = TestServer::start().await;
    let challenge = |answer: &Answer| answer.header("www-authenticate").map(str::to_owned);
    let anonymous = server.anonymous();
    for (value, status, expected) in [
        ("", 401, "Bearer"),
        ("Basic dXNlcjpwYXNz", 401, "Bearer"),
        ("hh_1234567890abcdef1234567890abcdef", 401, "Bearer"),
        ("Bearer", 401, "Bearer error=\"invalid_token\""),
        ("Bearer x", 401, "Bearer error=\"invalid_token\""),
        ("bearer hh_é", 401, "Bearer error=\"invalid_token\""),
        (
            &format!("Bearer {}", guess("hh_00000", 1)),
            401,
            "Bearer error=\"invalid_token\"",
        ),
    ] {
        let headers = [("authorization", value)];
        let answer = anonymous.send("GET", WHOAMI, &headers, b"").await;
        assert_eq!(answer.status, status, "{value}");
        assert_eq!(challenge(&answer).as_deref(), Some(expected), "{value}");
    }
    assert_eq!(
        challenge(&anonymous.get(WHOAMI).await).as_deref(),
        Some("Bearer")
    );
    // A key without permission and a revoked key receive different challenges.
    let (id, key) = server.mint(Level::ReadOnly, "all").await;
    let client = server.client(&key);
    let refused = client.get("/v1/api_keys").await;
    refused.assert_problem(403);
    assert_eq!(
        challenge(&refused).as_deref(),
        Some("Bearer error=\"insufficient_scope\"")
    );
    assert_eq!(challenge(&client.get(WHOAMI).await), None);
    server
        .admin()
        .delete(&format!("/v1/api_keys/{id}"))
        .await
        .assert_ok();
    let refused = client.get(WHOAMI).await;
    refused.assert_problem(401);
    assert_eq!(
        challenge(&refused).as_deref(),
        Some("Bearer error=\"invalid_token\"")
    );
}

#[tokio::test]
async fn nine_hundred_bad_attempts_hold_up_no_valid_key() {
    let server = TestServer::start().await;
    let (_, good) = server.mint(Level::ReadOnly, "all").await;
    let (id, revoked) = server.mint(Level::ReadOnly, "all").await;
    server
        .admin()
        .delete(&format!("/v1/api_keys/{id}"))
        .await
        .assert_ok();
    let mut held_up = None;
    let mut statuses = [0, 0];
    for number in 0..900 {
        // The guesses have a valid checksum, have an invalid checksum, or are not API keys.
        let bad = match number % 3 {
            0 => guess("hh_00000", number),
            1 => format!("hh_{number:0>40}"),
            _ => format!("sk-{number}"),
        };
        let client = server.client(&bad);
        let answer = client.get(WHOAMI).await;
        match answer.status {
            401 => statuses[0] += 1,
            429 => statuses[1] += 1,
            other => panic!("status {other}"),
        }
        if answer.status == 429 {
            held_up = Some((client, answer));
        }
    }
    assert_eq!(statuses[0] + statuses[1], 900);
    assert!(statuses[0] >= 120 && statuses[1] > 0, "{statuses:?}");
    // Valid keys are accepted before and after their first use, and a revoked key still receives 401.
    server.client(&good).get(WHOAMI).await.assert_ok();
    server.admin().get(WHOAMI).await.assert_ok();
    server
        .client(&revoked)
        .get(WHOAMI)
        .await
        .assert_problem(401);
    server.anonymous().get(WHOAMI).await.assert_problem(401);

    let (_, answer) = held_up.unwrap();
    insta::assert_snapshot!(answer.assert_problem(429), @"too many failed authentication attempts from this address; use a valid key, which works immediately");
    assert_eq!(answer.header("retry-after"), Some("1"));
    assert_eq!(answer.header("ratelimit"), Some("\"bad-keys\";r=0;t=1"));
    assert_eq!(
        answer.header("ratelimit-policy"),
        Some("\"bad-keys\";q=120;w=60")
    );
}
