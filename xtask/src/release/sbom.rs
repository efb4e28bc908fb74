//! Writes the software bill of materials of a target in the CycloneDX format.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::release::info::{ReleaseInfo, git};
use crate::release::targets::Target;
use crate::release::tools;
use crate::{files, process};

/// Writes the bill of materials and returns its path.
///
/// The tool writes its files next to the manifests, so it runs in a copy of the commit.
///
/// # Errors
/// Returns an error if git, tar or the tool fails.
pub(crate) fn write(
    root: &Path,
    info: &ReleaseInfo,
    target: &Target,
    out: &Path,
) -> Result<PathBuf> {
    let tool = tools::CYCLONEDX.path(root)?;
    let copy = root.join("target/release-source");
    files::empty_folder(&copy)?;
    let tar = copy.with_extension("tar");
    let output = format!("--output={}", tar.display());
    git(root, &["archive", "--format=tar", &output, "HEAD"])?;
    let mut unpack = Command::new("tar");
    unpack.arg("-xf").arg(&tar).arg("-C").arg(&copy);
    process::output(unpack)?;
    let name = format!("honeyhive-{}-{}.cdx", info.version, target.triple);
    let mut cyclonedx = Command::new(tool);
    cyclonedx
        .current_dir(&copy)
        .args("cyclonedx --format json --spec-version 1.5".split_whitespace())
        .args(["--manifest-path", "crates/hh-cli/Cargo.toml"])
        .args(["--target", target.triple])
        .args(["--override-filename", &name])
        .env("SOURCE_DATE_EPOCH", info.epoch.to_string());
    process::run(cyclonedx)?;
    let file = format!("{name}.json");
    let path = out.join(&file);
    let written = copy.join("crates/hh-cli").join(&file);
    fs::copy(&written, &path)
        .with_context(|| format!("cannot copy {} to {}", written.display(), path.display()))?;
    Ok(path)
}
