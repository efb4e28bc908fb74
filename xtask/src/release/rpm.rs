//! Writes the RPM package.

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
    let mut rpm = Command::new(tools::RPM.path(root)?);
    stage.link(root)?;
    let machine = stage
        .target
        .split('-')
        .next()
        .context("the target has no machine")?;
    let path = out.join(format!("honeyhive-{}-1.{machine}.rpm", stage.version));
    let epoch = stage.epoch.to_string();
    rpm.current_dir(root)
        .args(
            "generate-rpm --package crates/hh-cli --profile dist --auto-req builtin"
                .split_whitespace(),
        )
        .args(["--target", &stage.target, "--source-date", &epoch])
        .arg("--output")
        .arg(&path);
    process::output(rpm)?;
    Ok(path)
}
