//! A gateway that decides which requests a key may send. It stores no keys and opens no files.

use hh_auth::{
    ApiKey, Decision, DenyReason, Grant, KeyKind, Level, Need, ProjectId, Projects, decide,
};
use jiff::{SignedDuration, Timestamp};

/// Returns the permission that a request needs.
fn need(method: &str, path: &str) -> Need {
    match (method, path) {
        ("POST", "/v1/traces") => Need::Ingest,
        ("GET", _) => Need::Read,
        (_, path) if path.starts_with("/v1/api_keys") => Need::Admin,
        _ => Need::Write,
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let key = ApiKey::parse("hh_1234567890abcdef1234567890abcdef")?;
    assert_eq!(key.kind(), KeyKind::Project);

    let now = Timestamp::UNIX_EPOCH;
    let docs = ProjectId::new(1);
    let grant = Grant {
        level: Level::ReadWrite,
        projects: Projects::Only([docs].into()),
        expires: Some(now.checked_add(SignedDuration::from_hours(1))?),
    };
    let ask =
        |method, path, project, time| decide(&grant, Some(need(method, path)), Some(project), time);

    assert_eq!(ask("GET", "/v1/events", docs, now), Decision::Allow);
    assert_eq!(ask("POST", "/v1/traces", docs, now), Decision::Allow);
    assert_eq!(
        ask("POST", "/v1/api_keys", docs, now),
        Decision::Deny(DenyReason::MissingNeed(Need::Admin))
    );
    assert_eq!(
        ask("GET", "/v1/events", ProjectId::new(2), now),
        Decision::Deny(DenyReason::ForeignProject)
    );
    let later = now.checked_add(SignedDuration::from_hours(2))?;
    assert_eq!(
        ask("GET", "/v1/events", docs, later),
        Decision::Deny(DenyReason::Expired)
    );
    Ok(())
}
