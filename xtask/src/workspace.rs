//! Reads the members and the manifests of the workspace from cargo.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde_json::Value;
use toml::Table;

use crate::{files, process};

/// A member of the workspace.
#[derive(Debug)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) manifest_path: PathBuf,
    pub(crate) dependencies: Vec<Dependency>,
}

/// A dependency of a member, which may be optional or platform-specific.
#[derive(Debug)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    /// Whether it is only for tests, examples and benchmarks.
    pub(crate) dev: bool,
}

/// Returns the folder of the workspace.
///
/// Cargo passes the path when it starts this program. A path that is fixed at compile time could belong to another
/// checkout with the same target folder.
///
/// # Errors
/// Fails if cargo did not start this program.
pub(crate) fn root() -> Result<PathBuf> {
    let xtask = env::var_os("CARGO_MANIFEST_DIR").context("start this as `cargo xtask`")?;
    let root = Path::new(&xtask)
        .parent()
        .context("CARGO_MANIFEST_DIR is not the folder of xtask")?;
    Ok(root.to_path_buf())
}

/// Returns the members of the workspace, sorted by name.
///
/// # Errors
/// Fails if a manifest cannot be read.
pub(crate) fn packages(root: &Path) -> Result<Vec<Package>> {
    let metadata = process::output(process::cargo(
        root,
        "metadata --format-version 1 --no-deps --locked --offline",
    ))?;
    let metadata: Value =
        serde_json::from_str(&metadata).context("the output of `cargo metadata` is not JSON")?;
    let mut packages = array(&metadata, "packages")?
        .iter()
        .map(package)
        .collect::<Result<Vec<_>>>()?;
    packages.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(packages)
}

/// Returns the original contents of a manifest, which `cargo metadata` does not return.
///
/// # Errors
/// Fails if the manifest cannot be read.
pub(crate) fn manifest(path: &Path) -> Result<Table> {
    files::text(path)?
        .parse()
        .with_context(|| format!("{} is not TOML", path.display()))
}

/// Returns a path for messages, relative to the folder of the workspace.
pub(crate) fn display_path(root: &Path, path: &Path) -> String {
    path.strip_prefix(root)
        .unwrap_or(path)
        .display()
        .to_string()
}

fn package(value: &Value) -> Result<Package> {
    Ok(Package {
        name: text(value, "name")?,
        manifest_path: text(value, "manifest_path")?.into(),
        dependencies: array(value, "dependencies")?
            .iter()
            .map(dependency)
            .collect::<Result<_>>()?,
    })
}

fn dependency(value: &Value) -> Result<Dependency> {
    Ok(Dependency {
        name: text(value, "name")?,
        dev: value["kind"] == "dev",
    })
}

fn text(value: &Value, field: &str) -> Result<String> {
    let text = value[field]
        .as_str()
        .with_context(|| format!("`cargo metadata` has no text named {field}"))?;
    Ok(text.to_owned())
}

fn array<'a>(value: &'a Value, field: &str) -> Result<&'a Vec<Value>> {
    value[field]
        .as_array()
        .with_context(|| format!("`cargo metadata` has no list named {field}"))
}
