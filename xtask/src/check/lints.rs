//! Checks that every member inherits its lints and package fields from the workspace, because lints are off otherwise,
//! and that a published member has the fields that crates.io and docs.rs show.

use std::path::Path;

use anyhow::Result;
use toml::{Table, Value};

use crate::workspace::{self, Package, display_path};

const FIELDS: [&str; 4] = ["version", "edition", "license", "rust-version"];
/// Fields that a published member also inherits.
const PUBLISHED: [&str; 2] = ["authors", "repository"];
/// Fields that each published member specifies.
const OWN: [&str; 5] = [
    "categories",
    "description",
    "documentation",
    "keywords",
    "readme",
];

pub(super) fn findings(root: &Path) -> Result<Vec<String>> {
    let mut findings = Vec::new();
    for package in workspace::packages(root)? {
        let manifest = workspace::manifest(&package.manifest_path)?;
        let path = display_path(root, &package.manifest_path);
        if !inherits(&manifest, "lints") {
            findings.push(format!("{path}: add `workspace = true` below `[lints]`"));
        }
        let fields = manifest.get("package").and_then(Value::as_table);
        let published =
            if package.is_published() {
                findings.extend(missing(&package, fields).map(|field| {
                    format!("{path}: add `{field}`, because the package is published")
                }));
                &PUBLISHED[..]
            } else {
                &[]
            };
        for field in FIELDS.iter().chain(published) {
            if !fields.is_some_and(|fields| inherits(fields, field)) {
                findings.push(format!("{path}: write `{field}.workspace = true`"));
            }
        }
    }
    Ok(findings)
}

/// Returns the fields that a published member lacks.
fn missing(package: &Package, fields: Option<&Table>) -> impl Iterator<Item = &'static str> {
    let own = OWN.into_iter().filter(|field| !package.has_field(field));
    // Without this list, cargo packs tests and examples. `cargo metadata` does not print it.
    let has_list = fields.is_some_and(|fields| fields.contains_key("include"));
    own.chain((!has_list).then_some("include"))
}

fn inherits(table: &Table, key: &str) -> bool {
    table
        .get(key)
        .and_then(|value| value.get("workspace"))
        .and_then(Value::as_bool)
        == Some(true)
}
