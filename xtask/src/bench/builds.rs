//! Builds the programs to measure, and returns the folder that contains them.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::process;

/// Builds one program of hh-tools with only the features that it needs, so that nothing else is built.
pub(super) fn build_tool(root: &Path, profile: &str, program: &str, features: &str) -> Result<()> {
    let mut build = process::cargo(
        root,
        &format!(
            "build {profile} --locked --package hh-tools --no-default-features --bin {program}"
        ),
    );
    if !features.is_empty() {
        build.args(["--features", features]);
    }
    process::run(build)
}

/// Returns the target folder of Cargo.
pub(super) fn target(root: &Path) -> Result<PathBuf> {
    let metadata = process::output(process::cargo(
        root,
        "metadata --format-version 1 --no-deps --locked --offline",
    ))?;
    let metadata: serde_json::Value = serde_json::from_str(&metadata)?;
    let folder = metadata["target_directory"].as_str();
    Ok(PathBuf::from(
        folder.context("cargo names no target folder")?,
    ))
}
