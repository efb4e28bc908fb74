//! Checks sums, archives and the lists of dependencies.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use super::verification::Verification;
use crate::release::{linked, tools};
use crate::{files, process};

/// Files that every archive contains.
const FILES: [&str; 10] = [
    "CHANGELOG.md",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
    "RUST-LIBRARY-LICENSES.html",
    "THIRD-PARTY-LICENSES",
    "completions/bash/honeyhive",
    "completions/fish/honeyhive.fish",
    "completions/zsh/_honeyhive",
    "man/man1/honeyhive.1",
];

/// Checks that the list contains all artifacts and that all sums match.
pub(super) fn sums(verification: &Verification<'_>, list: &Path) -> Result<String> {
    let text = files::text(list)?;
    let listed: BTreeSet<_> = text
        .lines()
        .filter_map(|line| line.split_once("  "))
        .map(|(_, name)| name.to_owned())
        .collect();
    for entry in fs::read_dir(verification.folder)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if !listed.contains(&name) && !list.ends_with(&name) {
            bail!("{name} has no sum");
        }
    }
    let mut check = Command::new("sha256sum");
    check
        .current_dir(verification.folder)
        .args(["--check", "--strict", "--quiet"])
        .arg(list);
    process::output(check)?;
    Ok(format!("{} sums match", listed.len()))
}

/// Checks that the archive contains all files and that the program runs.
pub(super) fn archive(verification: &Verification<'_>, archive: &Path) -> Result<String> {
    let top = verification.unpack(archive)?;
    for file in FILES {
        if fs::metadata(top.join(file)).map_or(0, |metadata| metadata.len()) == 0 {
            bail!("{file} is missing or empty");
        }
    }
    let mut program = Command::new(top.join("honeyhive"));
    program.arg("--version");
    Ok(process::output(program)?.trim().to_owned())
}

/// Checks that the bill of materials lists all crates that are linked to the program.
pub(super) fn bill_of_materials(verification: &Verification<'_>, file: &Path) -> Result<String> {
    let bill: Value = serde_json::from_str(&files::text(file)?).context("not JSON")?;
    let components = bill["components"].as_array().context("no components")?;
    let listed: BTreeSet<_> = components.iter().map(named).collect();
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let target = target_of(&name).context("the name contains no target")?;
    let mut expected = linked::crates(verification.root, target)?;
    // The bill describes this package itself.
    expected.retain(|name| !name.starts_with("hh-cli "));
    let missing: Vec<_> = expected.difference(&listed).cloned().collect();
    if !missing.is_empty() {
        bail!("does not list {}", missing.join(", "));
    }
    Ok(format!(
        "lists all {} linked crates ({} components)",
        expected.len(),
        listed.len()
    ))
}

/// Checks that the program contains the list of its dependencies.
pub(super) fn embedded_list(verification: &Verification<'_>, archive: &Path) -> Result<String> {
    let mut read = Command::new(tools::AUDIT_INFO.path(verification.root)?);
    read.arg(verification.unpack(archive)?.join("honeyhive"));
    let list: Value = serde_json::from_str(&process::output(read)?).context("not JSON")?;
    let packages = list["packages"].as_array().context("no packages")?;
    let runtime = packages
        .iter()
        .filter(|package| package["kind"].as_str() != Some("build"));
    let listed: BTreeSet<_> = runtime.map(named).collect();
    let name = archive.file_name().unwrap_or_default().to_string_lossy();
    let target = target_of(&name).context("the name contains no target")?;
    let expected = linked::crates(verification.root, target)?;
    let missing: Vec<_> = expected.difference(&listed).cloned().collect();
    if !missing.is_empty() {
        bail!("does not list {}", missing.join(", "));
    }
    let more = listed.difference(&expected).count();
    Ok(format!(
        "lists all {} linked crates, and {more} of builds for other features",
        expected.len()
    ))
}

/// Returns the name and the version of a component.
fn named(component: &Value) -> String {
    let field = |name: &str| component[name].as_str().unwrap_or_default();
    format!("{} {}", field("name"), field("version"))
}

/// Returns the target in the name of an artifact, such as `honeyhive-0.1.0-x86_64-unknown-linux-musl.tar.gz`.
fn target_of(name: &str) -> Option<&str> {
    let rest = name.strip_prefix("honeyhive-")?;
    let rest = rest
        .strip_suffix(".tar.gz")
        .or_else(|| rest.strip_suffix(".cdx.json"))?;
    rest.split_once('-').map(|(_, target)| target)
}

#[cfg(test)]
mod tests {
    use super::target_of;

    #[test]
    fn the_name_of_an_artifact_contains_its_target() {
        let target = Some("x86_64-unknown-linux-musl");
        assert_eq!(
            target_of("honeyhive-0.1.0-x86_64-unknown-linux-musl.tar.gz"),
            target
        );
        assert_eq!(
            target_of("honeyhive-0.1.0-x86_64-unknown-linux-musl.cdx.json"),
            target
        );
        assert_eq!(target_of("SHA256SUMS"), None);
    }
}
