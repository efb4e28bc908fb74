//! Writes the Debian package.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::release::stage::Stage;
use crate::release::tools;
use crate::{files, process, workspace};

/// Writes the package of a stage and returns its path. `crates/hh-cli/Cargo.toml` lists its files.
///
/// # Errors
/// Returns an error if the tool cannot be installed or fails.
pub(crate) fn write(root: &Path, stage: &Stage, out: &Path) -> Result<PathBuf> {
    let mut deb = Command::new(tools::DEB.path(root)?);
    stage.link(root)?;
    changelog(root, stage)?;
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

/// Writes the changelog that Debian requires in its own format, with one entry that refers to the changelog of the
/// project. `crates/hh-cli/Cargo.toml` names the file.
fn changelog(root: &Path, stage: &Stage) -> Result<()> {
    let manifest = workspace::manifest(&root.join("Cargo.toml"))?;
    let maintainer = manifest
        .get("workspace")
        .and_then(|table| table.get("package")?.get("authors")?.get(0)?.as_str())
        .context("Cargo.toml has no authors below [workspace.package]")?;
    let mut date = Command::new("date");
    date.args(["--utc", "--rfc-email", "--date"])
        .arg(format!("@{}", stage.epoch))
        .env("LC_ALL", "C");
    let date = process::output(date)?;
    let text = format!(
        "honeyhive ({0}-1) unstable; urgency=medium\n\n  * Release {0}. The file changelog.gz lists the changes.\n\n -- {maintainer}  {1}\n",
        stage.version,
        date.trim()
    );
    files::write(&root.join("target/release-stage/changelog.Debian"), &text)
}
