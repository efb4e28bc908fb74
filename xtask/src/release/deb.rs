//! Writes the Debian package.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::process;
use crate::release::stage::Stage;
use crate::release::tools;

/// Writes the package of a stage and returns its path. `crates/hh-cli/Cargo.toml` lists its files.
///
/// # Errors
/// Returns an error if the tool cannot be installed or fails.
pub(crate) fn write(root: &Path, stage: &Stage, out: &Path) -> Result<PathBuf> {
    let mut deb = Command::new(tools::DEB.path(root)?);
    stage.link(root)?;
    deb.current_dir(root)
        .args(
            "deb --quiet --locked --no-build --no-strip --package hh-cli --profile dist"
                .split_whitespace(),
        )
        .args(["--target", &stage.target])
        .arg("--output")
        .arg(out)
        .env("SOURCE_DATE_EPOCH", stage.epoch.to_string());
    let printed = process::output(deb)?;
    let path = printed
        .lines()
        .last()
        .context("cargo-deb printed no path")?;
    Ok(PathBuf::from(path.trim()))
}
