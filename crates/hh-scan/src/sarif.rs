//! Writes a report in SARIF 2.1.0.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::report::{Finding, Report};

const CONFIRMED: &str = "honeyhive-api-key";
const POSSIBLE: &str = "possible-honeyhive-api-key";

/// Returns a report in SARIF 2.1.0, which code scanning services read.
#[must_use]
pub fn sarif(report: &Report) -> Value {
    let rule = |id, name, level, text| {
        json!({
            "id": id,
            "name": name,
            "shortDescription": { "text": text },
            "help": { "text": "Create a new key with `honeyhive auth rotate`, revoke the old key, and remove it from the file." },
            "defaultConfiguration": { "level": level },
        })
    };
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "honeyhive auth scan",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": [
                    rule(CONFIRMED, "HoneyHiveApiKey", "error", "A HoneyHive API key, confirmed by its checksum"),
                    rule(POSSIBLE, "PossibleHoneyHiveApiKey", "warning", "Text in the format of a HoneyHive API key"),
                ],
            } },
            "columnKind": "unicodeCodePoints",
            "results": report.findings.iter().map(result).collect::<Vec<_>>(),
        }],
    })
}

fn result(finding: &Finding) -> Value {
    let (rule, level) = if finding.is_confirmed() {
        (CONFIRMED, "error")
    } else {
        (POSSIBLE, "warning")
    };
    let mut result = json!({
        "ruleId": rule,
        "level": level,
        "message": { "text": finding.description() },
        "locations": [{ "physicalLocation": {
            "artifactLocation": { "uri": uri(&finding.path) },
            "region": { "startLine": finding.line.unwrap_or(1), "startColumn": finding.column.unwrap_or(1) },
        } }],
    });
    if let Some(commit) = &finding.commit {
        result["properties"] = json!({ "commit": commit });
    }
    result
}

/// Returns a path as a URI reference of RFC 3986.
fn uri(path: &str) -> String {
    let mut uri = String::with_capacity(path.len());
    if path.starts_with('/') {
        uri.push_str("file://");
    }
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            write!(uri, "%{byte:02X}").ok();
        }
    }
    uri
}
