//! A log filter that redacts API keys.

use hh_key::{ApiKey, Checksum, KeyKind, checksum, find_key, mint, redact};

/// Replaces each key of a line with its redacted form.
fn filtered(line: &str) -> String {
    let mut result = String::new();
    let mut rest = line;
    while let Some(range) = find_key(rest) {
        result.push_str(&rest[..range.start]);
        result.push_str(&redact(&rest[range.clone()]));
        rest = &rest[range.end..];
    }
    result + rest
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let first = "hh_1234567890abcdef1234567890abcdef";
    let line = filtered(&format!("old={first} new={first}, done"));
    assert_eq!(line, "old=hh_12345*** new=hh_12345***, done");
    assert_eq!(filtered("no key"), "no key");

    assert_eq!(ApiKey::parse(first)?.kind(), KeyKind::Project);
    assert!(ApiKey::parse("secret").is_err());

    let new = mint(KeyKind::Ingestion)?;
    assert_eq!(checksum(&new.key), Checksum::Valid);
    assert_eq!(new.key.key_id(), Some(new.id.as_str()));
    assert!(new.key.redacted().starts_with("hh_ingst_"));
    assert!(new.key.redacted().ends_with("***"));
    Ok(())
}
