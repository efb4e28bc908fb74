//! Checks that every member inherits its lints and package fields from the workspace, because a crate without inherited
//! lints would not be linted.

use std::path::Path;

use anyhow::Result;
use toml::{Table, Value};

use crate::workspace::{self, display_path};

const FIELDS: [&str; 4] = ["version", "edition", "license", "rust-version"];

pub(super) fn findings(root: &Path) -> Result<Vec<String>> {
    let mut findings = Vec::new();
    for package in workspace::packages(root)? {
        let manifest = workspace::manifest(&package.manifest_path)?;
        let path = display_path(root, &package.manifest_path);
        if !inherits(&manifest, "lints") {
            findings.push(format!("{path}: add `workspace = true` below `[lints]`"));
        }
        let fields = manifest.get("package").and_then(Value::as_table);
        for field in FIELDS {
            if !fields.is_some_and(|fields| inherits(fields, field)) {
                findings.push(format!("{path}: write `{field}.workspace = true`"));
            }
        }
    }
    Ok(findings)
}

fn inherits(table: &Table, key: &str) -> bool {
    table
        .get(key)
        .and_then(|value| value.get("workspace"))
        .and_then(Value::as_bool)
        == Some(true)
}
