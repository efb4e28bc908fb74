//! Reads the members of the workspace from the metadata of cargo.

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
    /// All that cargo prints about the package.
    metadata: Value,
}

impl Package {
    pub(crate) fn version(&self) -> &str {
        self.metadata["version"].as_str().unwrap_or_default()
    }

    /// Returns whether the package may be published. Cargo prints an empty list of registries for `publish = false`.
    pub(crate) fn is_published(&self) -> bool {
        self.metadata["publish"] != Value::Array(Vec::new())
    }

    /// Returns whether a field of the manifest has a value that is not empty.
    pub(crate) fn has_field(&self, name: &str) -> bool {
        match &self.metadata[name] {
            Value::String(text) => !text.is_empty(),
            Value::Array(list) => !list.is_empty(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => false,
        }
    }

    /// Returns whether a library of the package has examples in its documentation that are tests.
    pub(crate) fn has_doctests(&self) -> bool {
        let targets = self.metadata["targets"].as_array();
        targets
            .into_iter()
            .flatten()
            .any(|target| target["doctest"] == true)
    }
}

/// A dependency of a member, possibly optional or for one platform.
#[derive(Debug)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    /// Whether only tests, examples and benchmarks use it.
    pub(crate) dev: bool,
    pub(crate) optional: bool,
}

/// Returns the root directory of the workspace.
///
/// Cargo passes it in a variable when it starts this program. A path from compile time could belong to another checkout
/// that uses the same target directory.
///
/// # Errors
/// Returns an error if cargo did not start this program.
pub(crate) fn root() -> Result<PathBuf> {
    let xtask = env::var_os("CARGO_MANIFEST_DIR")
        .context("CARGO_MANIFEST_DIR is not set: run `cargo xtask`")?;
    let root = Path::new(&xtask)
        .parent()
        .context("CARGO_MANIFEST_DIR is not the directory of xtask")?;
    Ok(root.to_path_buf())
}

/// Returns the members of the workspace, sorted by name.
///
/// # Errors
/// Returns an error if the metadata cannot be read.
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

/// Returns a text below `[workspace.package]`.
///
/// # Errors
/// Returns an error if the manifest of the workspace cannot be read or does not have the field.
pub(crate) fn package_field(root: &Path, name: &str) -> Result<String> {
    let manifest = manifest(&root.join("Cargo.toml"))?;
    let value = manifest
        .get("workspace")
        .and_then(|table| table.get("package")?.get(name)?.as_str());
    let value =
        value.with_context(|| format!("Cargo.toml has no {name} below [workspace.package]"))?;
    Ok(value.to_owned())
}

/// Returns a manifest as it is in the file, which `cargo metadata` does not print.
///
/// # Errors
/// Returns an error if the file cannot be read or is not TOML.
pub(crate) fn manifest(path: &Path) -> Result<Table> {
    files::text(path)?
        .parse()
        .with_context(|| format!("{} is not valid TOML", path.display()))
}

/// Returns a path for messages, relative to the workspace.
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
        metadata: value.clone(),
    })
}

fn dependency(value: &Value) -> Result<Dependency> {
    Ok(Dependency {
        name: text(value, "name")?,
        dev: value["kind"] == "dev",
        optional: value["optional"] == true,
    })
}

fn text(value: &Value, field: &str) -> Result<String> {
    let text = value[field]
        .as_str()
        .with_context(|| format!("`cargo metadata` has no string named {field}"))?;
    Ok(text.to_owned())
}

fn array<'a>(value: &'a Value, field: &str) -> Result<&'a Vec<Value>> {
    value[field]
        .as_array()
        .with_context(|| format!("`cargo metadata` has no list named {field}"))
}
