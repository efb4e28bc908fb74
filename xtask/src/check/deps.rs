//! Checks the dependencies between crates, the crates that may use certain libraries, and where versions are specified.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::Result;
use toml::{Table, Value};

use crate::process;
use crate::workspace::{self, Package, display_path};

const THIS_FILE: &str = "xtask/src/check/deps.rs";

/// Every member, and the members it may depend on. Tests of a crate may know more.
const EDGES: [(&str, &[&str]); 14] = [
    ("hh-text", &[]),
    ("hh-testing", &[]),
    ("hh-key", &[]),
    ("hh-config", &["hh-key", "hh-text"]),
    ("hh-transport", &["hh-key", "hh-text"]),
    ("hh-auth", &["hh-config", "hh-key", "hh-text"]),
    ("hh-api", &["hh-auth"]),
    (
        "hh-sdk",
        &["hh-config", "hh-auth", "hh-transport", "hh-api", "hh-text"],
    ),
    (
        "hh-server",
        &["hh-api", "hh-auth", "hh-config", "hh-key", "hh-text"],
    ),
    ("hh-scan", &["hh-auth", "hh-config", "hh-text"]),
    ("hh-cli", &["hh-scan", "hh-sdk", "hh-server", "hh-text"]),
    ("hh-e2e", &["hh-sdk", "hh-server"]),
    (
        "hh-tools",
        &[
            "hh-api",
            "hh-auth",
            "hh-cli",
            "hh-config",
            "hh-sdk",
            "hh-transport",
        ],
    ),
    ("xtask", &[]),
];

/// Members whose tests may depend on the command line.
const PROGRAMS: [&str; 3] = ["hh-cli", "hh-e2e", "xtask"];

/// Libraries that only certain members may depend on; `*` matches the rest of the name.
const RESERVED: [(&str, &[&str]); 9] = [
    ("reqwest", &["hh-transport", "hh-tools"]),
    ("figment", &["hh-config"]),
    ("keyring-core", &["hh-auth"]),
    (
        "opentelemetry*",
        &["hh-api", "hh-sdk", "hh-server", "hh-tools"],
    ),
    ("axum", &["hh-server", "hh-tools"]),
    ("hyper-util", &["hh-server", "hh-transport"]),
    ("rusqlite", &["hh-server", "hh-tools"]),
    ("clap*", &["hh-cli", "hh-tools", "xtask"]),
    ("anyhow", &["hh-cli", "xtask", "hh-e2e"]),
];

/// Libraries with features, and the crates that they must not depend on then, so that small programs stay small.
const WITHOUT: [(&str, &str, &[&str]); 4] = [
    // It needs libm, which each start would load.
    ("hh-cli", "--all-features", &["indicatif"]),
    (
        "hh-auth",
        "--no-default-features",
        &["figment", "reqwest", "tokio"],
    ),
    ("hh-config", "--all-features", &["tokio"]),
    (
        "hh-config",
        "--no-default-features",
        &["figment", "serde-saphyr", "toml"],
    ),
];

/// A feature that a crate must not enable: only the scheduler of tokio needs libm, which each start would load.
const WITHOUT_FEATURE: (&str, &str, &str) = ("hh-cli", "tokio", "rt-multi-thread");

const SECTIONS: [&str; 3] = ["dependencies", "dev-dependencies", "build-dependencies"];

pub(super) fn findings(root: &Path) -> Result<Vec<String>> {
    let packages = workspace::packages(root)?;
    let mut findings = members(&packages);
    findings.extend(packages.iter().flat_map(edges));
    findings.extend(versions(root, &packages)?);
    findings.extend(consumers(root, &packages)?);
    // Cargo cannot resolve the dependencies of a workspace without all of its members.
    if findings.is_empty() {
        findings.extend(trees(root)?);
    }
    Ok(findings)
}

/// Checks that the table and the workspace have the same members.
fn members(packages: &[Package]) -> Vec<String> {
    let actual: BTreeSet<_> = packages
        .iter()
        .map(|package| package.name.as_str())
        .collect();
    let expected: BTreeSet<_> = EDGES.iter().map(|(name, _)| *name).collect();
    let unknown = actual
        .difference(&expected)
        .map(|name| format!("{name} is a member: add it to EDGES in {THIS_FILE}"));
    let gone = expected
        .difference(&actual)
        .map(|name| format!("{name} is not a member: remove it from {THIS_FILE}"));
    unknown.chain(gone).collect()
}

fn edges(package: &Package) -> Vec<String> {
    let mut findings = Vec::new();
    let name = package.name.as_str();
    let allowed = EDGES
        .iter()
        .find(|(member, _)| *member == name)
        .map_or(&[][..], |(_, allowed)| *allowed);
    for dependency in &package.dependencies {
        let on = dependency.name.as_str();
        if dependency.dev {
            if on == "hh-cli" && !PROGRAMS.contains(&name) {
                findings.push(format!(
                    "{name}: its tests depend on {on}: move them to the package hh-e2e"
                ));
            }
            continue;
        }
        if EDGES.iter().any(|(member, _)| *member == on) && !allowed.contains(&on) {
            findings.push(format!(
                "{name}: depends on {on}, against the direction of dependencies: remove it"
            ));
        }
        let reserved = RESERVED.iter().find(|(pattern, _)| is_match(pattern, on));
        if let Some((_, owners)) = reserved.filter(|(_, owners)| !owners.contains(&name)) {
            findings.push(format!(
                "{name}: depends on {on}, which only {} may use: remove it",
                owners.join(", ")
            ));
        }
    }
    findings
}

fn is_match(pattern: &str, name: &str) -> bool {
    pattern
        .strip_suffix('*')
        .map_or(name == pattern, |start| name.starts_with(start))
}

/// Checks that versions are in the root, features in the members that use them, and no version is unused.
fn versions(root: &Path, packages: &[Package]) -> Result<Vec<String>> {
    let mut findings = Vec::new();
    let mut used = BTreeSet::new();
    for package in packages {
        let path = display_path(root, &package.manifest_path);
        for (name, value) in dependencies(&workspace::manifest(&package.manifest_path)?) {
            if value.get("workspace").and_then(Value::as_bool) != Some(true) {
                findings.push(format!(
                    "{path}: {name}: write `workspace = true` and specify its version in the root"
                ));
            }
            used.insert(name);
        }
    }
    let manifest = workspace::manifest(&root.join("Cargo.toml"))?;
    let table = manifest
        .get("workspace")
        .and_then(|workspace| workspace.get("dependencies"))
        .and_then(Value::as_table);
    for (name, value) in table.into_iter().flatten() {
        if value.get("default-features").and_then(Value::as_bool) != Some(false) {
            findings.push(format!(
                "Cargo.toml: {name}: add `default-features = false`, because a member cannot disable them"
            ));
        }
        if value.get("features").is_some() {
            findings.push(format!(
                "Cargo.toml: {name}: specify its features in the members that use them"
            ));
        }
        if !used.contains(name) {
            findings.push(format!("Cargo.toml: {name}: no member uses it: remove it"));
        }
    }
    Ok(findings)
}

/// Checks that the lock file of the programs that use the packages contains the dependencies of the packages.
///
/// Cargo would check it only after all packages are built.
fn consumers(root: &Path, packages: &[Package]) -> Result<Vec<String>> {
    let path = root.join("tests/consumers/Cargo.lock");
    if !path.exists() {
        return Ok(Vec::new());
    }
    let lock = workspace::manifest(&path)?;
    let locked = lock.get("package").and_then(Value::as_array);
    let mut findings = Vec::new();
    for locked in locked.into_iter().flatten() {
        let name = locked.get("name").and_then(Value::as_str);
        let Some(package) = packages.iter().find(|package| name == Some(&package.name)) else {
            continue;
        };
        let known = locked.get("dependencies").and_then(Value::as_array);
        let known: BTreeSet<_> = known
            .into_iter()
            .flatten()
            .filter_map(|entry| entry.as_str()?.split(' ').next())
            .collect();
        let dependencies = package.dependencies.iter().filter(|one| !one.dev);
        let all: BTreeSet<_> = dependencies.clone().map(|one| one.name.as_str()).collect();
        let mut needed = dependencies.filter(|one| !one.optional);
        if !known.is_subset(&all) || !needed.all(|one| known.contains(one.name.as_str())) {
            findings.push(format!(
                "tests/consumers/Cargo.lock does not match the dependencies of {}: run `cargo xtask release publish --dry-run`",
                package.name
            ));
        }
    }
    Ok(findings)
}

/// Returns all dependencies of a manifest, including those of single platforms.
fn dependencies(manifest: &Table) -> Vec<(String, Value)> {
    let platforms = manifest
        .get("target")
        .and_then(Value::as_table)
        .into_iter()
        .flatten();
    let tables = platforms
        .filter_map(|(_, value)| value.as_table())
        .chain([manifest]);
    tables
        .flat_map(|table| {
            SECTIONS
                .iter()
                .filter_map(|section| table.get(*section)?.as_table())
        })
        .flatten()
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

fn trees(root: &Path) -> Result<Vec<String>> {
    let mut findings = Vec::new();
    for (name, features, unwanted) in WITHOUT {
        let arguments = format!(
            "tree --locked --edges normal --prefix none --format {{p}} --package {name} {features}"
        );
        let tree = process::output(process::cargo(root, &arguments))?;
        let found: BTreeSet<_> = tree
            .lines()
            .filter_map(|line| line.split_whitespace().next())
            .collect();
        for unwanted in unwanted.iter().filter(|unwanted| found.contains(*unwanted)) {
            findings.push(format!(
                "{name}: depends on {unwanted}: find the reason with `cargo tree --package {name} {features} --invert {unwanted}`"
            ));
        }
    }
    let (name, library, feature) = WITHOUT_FEATURE;
    let why = format!("tree --locked --edges features,normal --package {name} --invert {library}");
    let tree = process::output(process::cargo(root, &format!("{why} --prefix none")))?;
    if tree.contains(&format!("{library} feature \"{feature}\"")) {
        findings.push(format!(
            "{name}: enables the feature {feature} of {library}: find the reason with `cargo {why}`"
        ));
    }
    Ok(findings)
}
