//! Builds and tests the packages, each with its own features, and runs the programs that use them.

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};
use serde_json::Value;
use toml::Table;

use crate::workspace::{self, Package};
use crate::{files, process};

/// The workspace of programs outside this one.
const CONSUMERS: &str = "tests/consumers";

/// Builds each package with its default features, and with all features for its doctests.
///
/// The packages are in one generated workspace, so that they find each other. Cargo selects the features of a single
/// package with `--package`, so each is built as if it were alone.
///
/// # Errors
/// Returns an error if a package does not build or a doctest fails.
pub(super) fn test_packages(root: &Path, folder: &Path, packages: &[Package]) -> Result<()> {
    files::write(&folder.join("Cargo.toml"), &manifest(root, packages)?)?;
    // The same versions as in the main workspace, which are already downloaded and built.
    let lock = files::text(&root.join("Cargo.lock"))?;
    files::write(&folder.join("Cargo.lock"), &lock)?;
    let target = target_folder(root)?;
    for package in packages {
        let name = &package.name;
        run(&target, folder, &format!("build --package {name}"))?;
        let all = if package.has_doctests() {
            "test --quiet --doc"
        } else {
            "build"
        };
        run(
            &target,
            folder,
            &format!("{all} --all-features --package {name}"),
        )?;
    }
    Ok(())
}

/// Runs the tests and the program of each member of `tests/consumers`, each with its own features.
///
/// # Errors
/// Returns an error if a program does not build or fails.
pub(super) fn run_consumers(root: &Path) -> Result<()> {
    let folder = root.join(CONSUMERS);
    // The lock file follows changed versions of the packages. In CI, it must be up to date.
    let locked = if process::is_ci() { " --locked" } else { "" };
    let target = target_folder(root)?;
    for name in members(&folder)? {
        let package = format!("--package consumer-{name}{locked}");
        if folder.join(&name).join("src/tests.rs").exists() {
            run(&target, &folder, &format!("test --quiet {package}"))?;
        }
        run(&target, &folder, &format!("run --quiet {package}"))?;
    }
    Ok(())
}

/// Returns the names of the folders of a workspace that contain a package.
fn members(folder: &Path) -> Result<Vec<String>> {
    let cannot_read = || format!("cannot read {}", folder.display());
    let mut members = Vec::new();
    for entry in fs::read_dir(folder).with_context(cannot_read)? {
        let entry = entry.with_context(cannot_read)?;
        if entry.path().join("Cargo.toml").exists() {
            members.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    members.sort();
    Ok(members)
}

/// Returns the manifest of a workspace of packages, which replace the published versions of each other.
fn manifest(root: &Path, packages: &[Package]) -> Result<String> {
    let mut text = String::from("[workspace]\nresolver = \"3\"\nmembers = [\n");
    for package in packages {
        writeln!(text, "    \"{}\",", package.name)?;
    }
    text.push_str("]\n\n[patch.crates-io]\n");
    for package in packages {
        writeln!(text, "{0} = {{ path = \"{0}\" }}", package.name)?;
    }
    // With the same profile, other crates are not built twice.
    let main = workspace::manifest(&root.join("Cargo.toml"))?;
    let dev = main
        .get("profile")
        .and_then(|profiles| profiles.get("dev"))
        .context("Cargo.toml has no [profile.dev]")?;
    let profile = Table::from_iter([("dev".to_owned(), dev.clone())]);
    let profiles = Table::from_iter([("profile".to_owned(), profile.into())]);
    write!(text, "\n{profiles}")?;
    Ok(text)
}

/// Runs cargo in another workspace with the target directory of this one.
fn run(target: &Path, folder: &Path, arguments: &str) -> Result<()> {
    let mut command: Command = process::cargo(folder, arguments);
    command.arg("--target-dir").arg(target);
    process::run(command)
}

/// Returns the target directory of the workspace.
fn target_folder(root: &Path) -> Result<PathBuf> {
    let metadata = process::output(process::cargo(
        root,
        "metadata --format-version 1 --no-deps --locked --offline",
    ))?;
    let metadata: Value =
        serde_json::from_str(&metadata).context("the output of `cargo metadata` is not JSON")?;
    let folder = metadata["target_directory"]
        .as_str()
        .context("`cargo metadata` has no target directory")?;
    Ok(env::current_dir()?.join(folder))
}
