//! `cargo xtask release collect`: writes the installers and the sums for all archives in the output directory.
//!
//! A release contains the archives of several machines. Each build writes these files for its own archives.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::output::print_line;
use crate::release::info::ReleaseInfo;
use crate::release::{formula, installer, sums};

/// The directory of the artifacts, below the root.
pub(crate) const FOLDER: &str = "target/release-artifacts";

pub(crate) fn run(root: &Path) -> Result<()> {
    let info = ReleaseInfo::read(root)?;
    let artifacts = write(root, &info)?;
    print_line(format_args!(
        "Wrote the installers and the sums of {} artifacts to {FOLDER}",
        artifacts.len()
    ));
    Ok(())
}

/// Writes the install script, the formula and the sums, and returns the paths of all artifacts.
///
/// # Errors
/// Returns an error if the directory contains no archive, or if a file cannot be read or written.
pub(crate) fn write(root: &Path, info: &ReleaseInfo) -> Result<Vec<PathBuf>> {
    let out = root.join(FOLDER);
    let built = files(&out)?;
    installer::write(root, &info.version, &built, &out)?;
    formula::write(root, &info.version, &built, &out)?;
    let mut all = files(&out)?;
    all.retain(|path| !path.ends_with(sums::FILE));
    sums::write(&out, &all)?;
    files(&out)
}

fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let cannot = || format!("cannot read {}", folder.display());
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).with_context(cannot)? {
        paths.push(entry.with_context(cannot)?.path());
    }
    paths.sort();
    Ok(paths)
}
