use std::time::Duration;

use http::StatusCode;

use super::*;
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
            let (safe, keyed, not) = (
                cell(&Idempotency::Safe),
                cell(&keyed),
                cell(&Idempotency::Unsafe),
            );
            assert!(
                shown.ends_with(&format!(" | {safe} | {keyed} | {not} |")),
                "{shown}"
            );
            format!("{:?}: {}", row.outcome, shown.trim_start_matches("/// "))
        })
        .collect();
    assert_eq!(rows.len(), TABLE.len());
    insta::assert_snapshot!(rows.join("\n"), @r"
    NotSent: | not sent (DNS, connect, TLS handshake broken off) | retry | retry | retry |
    Hopeless: | refused here, certificate not trusted, no key | fatal | fatal | fatal |
    Lost: | connection lost or timeout after bytes may have left | retry | retry | fatal |
    RateLimited: | 429 | wait | wait | wait |
    AskedToWait: | 408, 425, 503 with Retry-After | wait | wait | fatal |
    Faulty: | 500, 502, 503, 504 | retry | retry | fatal |
    Answered: | any other status, an unusable answer | fatal | fatal | fatal |
    ");
}

#[test]
fn every_end_of_an_attempt_has_its_row() {
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
        (TransportError::connect_timeout("h"), Outcome::NotSent),
        (
            TransportError::tls("h", "unknown issuer"),
            Outcome::Hopeless,
        ),
        (
            TransportError::invalid_request("no host"),
            Outcome::Hopeless,
        ),
        (TransportError::insecure("h"), Outcome::Hopeless),
        (TransportError::no_credential("none"), Outcome::Hopeless),
        (TransportError::other("odd", "odd"), Outcome::Hopeless),
        (TransportError::timeout("h"), Outcome::Lost),
        (TransportError::interrupted("h"), Outcome::Lost),
        (
            TransportError::invalid_response("h", "is odd"),
            Outcome::Answered,
        ),
        (status(429, None), Outcome::RateLimited),
        (status(408, None), Outcome::AskedToWait),
        (status(425, None), Outcome::AskedToWait),
        (status(503, Some(1)), Outcome::AskedToWait),
        (status(503, None), Outcome::Faulty),
        (status(500, Some(1)), Outcome::Faulty),
        (status(502, None), Outcome::Faulty),
        (status(504, None), Outcome::Faulty),
        (status(501, None), Outcome::Answered),
        (status(302, None), Outcome::Answered),
        (status(401, None), Outcome::Answered),
        (status(409, None), Outcome::Answered),
    ];
    for (error, outcome) in cases {
        assert_eq!(classify(&error), outcome, "{error}");
    }
}
