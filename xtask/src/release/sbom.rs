//! Writes the software bill of materials of a target in the CycloneDX format.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::release::info::{ReleaseInfo, git};
use crate::release::targets::Target;
use crate::release::{sums, tools};
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
    let written = files::text(&copy.join("crates/hh-cli").join(&file))?;
    let address = format!("file://{}", copy.display());
    let mut bill: Value = serde_json::from_str(&written.replace(&address, "file:///honeyhive"))
        .with_context(|| format!("{file} is not JSON"))?;
    bill["serialNumber"] = serial_number(info, target).into();
    let path = out.join(&file);
    files::write(&path, &serde_json::to_string_pretty(&bill)?)?;
    Ok(path)
}

/// Returns the serial number, which the tool chooses at random: a UUID of version 8 from the commit and the target.
fn serial_number(info: &ReleaseInfo, target: &Target) -> String {
    let sum = sums::of_bytes(format!("{} {}", info.commit, target.triple).as_bytes());
    let part = |range| sum.get(range).unwrap_or_default();
    format!(
        "urn:uuid:{}-{}-8{}-8{}-{}",
        part(0..8),
        part(8..12),
        part(12..15),
        part(15..18),
        part(18..30)
    )
}
