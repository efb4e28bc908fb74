use std::time::Duration;

use http::StatusCode;

use super::*;
use crate::error::TimeoutStage;
use crate::idempotency::IdempotencyKey;

#[test]
fn the_table_is_what_the_docs_show() {
    let keyed = Idempotency::Keyed(IdempotencyKey::parse("k").unwrap());
    let shown = include_str!("../../retry.rs")
        .lines()
        .filter(|line| line.starts_with("/// | "))
        .skip(1);
    let rows: Vec<String> = TABLE
        .iter()
        .zip(shown)
        .map(|(row, shown)| {
            let cell = |repeat| format!("{:?}", decide(row.outcome, repeat)).to_lowercase();
            let cells = [
                cell(&Idempotency::Safe),
                cell(&keyed),
                cell(&Idempotency::Unsafe),
                cell(&Idempotency::Otlp),
            ];
            assert!(
                shown.ends_with(&format!(" | {} |", cells.join(" | "))),
                "{shown}"
            );
            format!("{:?}: {}", row.outcome, shown.trim_start_matches("/// "))
        })
        .collect();
    assert_eq!(rows.len(), TABLE.len());
    insta::assert_snapshot!(rows.join("\n"), @"
    NotSent: | nothing was sent (DNS, connect, proxy, interrupted TLS handshake) | retry | retry | retry | retry |
    Permanent: | invalid request, TLS error, proxy without valid credentials, no key, rate limit of the client, other error of the client | fatal | fatal | fatal | fatal |
    Lost: | connection lost or timeout after a part of the request may have been sent | retry | retry | fatal | retry |
    RateLimited: | 429 | retry | retry | retry | retry |
    Broken: | 408, 425, 500 | retry | retry | fatal | fatal |
    Unavailable: | 502, 503, 504, 520 to 524, 529 | retry | retry | fatal | retry |
    Responded: | any other status, 500 with the code `PARTIAL_FAILURE`, or an unusable response | fatal | fatal | fatal | fatal |
    ");
}

#[test]
fn only_a_partial_failure_with_500_is_final() {
    for (status, code, outcome) in [
        (500, "PARTIAL_FAILURE", Outcome::Responded),
        (500, "INTERNAL", Outcome::Broken),
        (503, "PARTIAL_FAILURE", Outcome::Unavailable),
    ] {
        let body = format!(r#"{{"errorCode": "{code}"}}"#);
        let problem = Problem::read(body.as_bytes(), None);
        let status = StatusCode::from_u16(status).unwrap();
        let error = TransportError::answered("h", status, problem, None);
        assert_eq!(classify(&error), outcome, "{status} {code}");
    }
}

#[test]
fn every_end_of_an_attempt_has_its_row() {
    let timeout = |stage| TransportError::timeout("h", stage, Duration::from_secs(1));
    let status = |code, wait: Option<u64>| {
        TransportError::answered(
            "h",
            StatusCode::from_u16(code).unwrap(),
            None,
            wait.map(Duration::from_secs),
        )
    };
    let cases = [
        (
            TransportError::unreachable("h", "refused"),
            Outcome::NotSent,
        ),
        (timeout(TimeoutStage::Connect), Outcome::NotSent),
        (
            TransportError::proxy("p", "h", "closed the connection", false),
            Outcome::NotSent,
        ),
        (
            TransportError::proxy("p", "h", "requires a password", true),
            Outcome::Permanent,
        ),
        (
            TransportError::limited("h", Duration::from_secs(9)),
            Outcome::Permanent,
        ),
        (
            TransportError::tls("h", "unknown issuer"),
            Outcome::Permanent,
        ),
        (
            TransportError::invalid_request("no host"),
            Outcome::Permanent,
        ),
        (TransportError::insecure("h"), Outcome::Permanent),
        (TransportError::no_credential("none"), Outcome::Permanent),
        (
            TransportError::other("unexpected", "unexpected"),
            Outcome::Permanent,
        ),
        (timeout(TimeoutStage::FirstByte), Outcome::Lost),
        (timeout(TimeoutStage::IdleRead), Outcome::Lost),
        (timeout(TimeoutStage::Total), Outcome::Lost),
        (TransportError::interrupted("h"), Outcome::Lost),
        (
            TransportError::invalid_response("h", "is malformed"),
            Outcome::Responded,
        ),
        (status(429, None), Outcome::RateLimited),
        (status(408, None), Outcome::Broken),
        (status(425, None), Outcome::Broken),
        (status(503, Some(1)), Outcome::Unavailable),
        (status(503, None), Outcome::Unavailable),
        (status(500, Some(1)), Outcome::Broken),
        (status(502, None), Outcome::Unavailable),
        (status(504, None), Outcome::Unavailable),
        (status(520, None), Outcome::Unavailable),
        (status(521, None), Outcome::Unavailable),
        (status(522, None), Outcome::Unavailable),
        (status(523, None), Outcome::Unavailable),
        (status(524, None), Outcome::Unavailable),
        (status(529, None), Outcome::Unavailable),
        // The certificate of the server behind the proxy is invalid.
        (status(525, None), Outcome::Responded),
        (status(526, None), Outcome::Responded),
        (status(501, None), Outcome::Responded),
        (status(302, None), Outcome::Responded),
        (status(401, None), Outcome::Responded),
        (status(409, None), Outcome::Responded),
    ];
    for (error, outcome) in cases {
        assert_eq!(classify(&error), outcome, "{error}");
    }
}
