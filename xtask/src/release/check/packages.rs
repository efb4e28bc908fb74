//! Checks the versions and the package fields of all members.

use std::path::Path;

use anyhow::Result;
use toml::Value;

use crate::workspace::{self, Package};

/// Fields that crates.io and docs.rs show.
const FIELDS: [&str; 8] = [
    "authors",
    "categories",
    "description",
    "documentation",
    "keywords",
    "license",
    "readme",
    "repository",
];

pub(super) fn findings(root: &Path, version: &str, packages: &[Package]) -> Result<Vec<String>> {
    let mut findings = Vec::new();
    for package in packages {
        let name = &package.name;
        if package.version() != version {
            findings.push(format!(
                "{name} has version {}, but the workspace has {version}: write `version.workspace = true`",
                package.version()
            ));
        }
        if package.is_published() {
            let missing = FIELDS.iter().filter(|field| !package.has_field(field));
            findings.extend(
                missing.map(|field| format!("{name} has no {field}: add it to its Cargo.toml")),
            );
        }
    }
    findings.extend(dependencies(root, version, packages)?);
    Ok(findings)
}

/// Checks the versions with which published members depend on each other.
fn dependencies(root: &Path, version: &str, packages: &[Package]) -> Result<Vec<String>> {
    let manifest = workspace::manifest(&root.join("Cargo.toml"))?;
    let table = manifest
        .get("workspace")
        .and_then(|table| table.get("dependencies"))
        .and_then(Value::as_table);
    let published = packages.iter().filter(|package| package.is_published());
    let versions = published.filter_map(|package| {
        let dependency = table?.get(&package.name)?;
        Some((
            &package.name,
            dependency.get("version").and_then(Value::as_str),
        ))
    });
    Ok(versions
        .filter(|(_, found)| *found != Some(version))
        .map(|(name, found)| {
            let found = found.unwrap_or("none");
            format!(
                "the version of {name} below [workspace.dependencies] is {found}: write {version}"
            )
        })
        .collect())
}
