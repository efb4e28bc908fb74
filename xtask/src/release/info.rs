//! Reads the version, the commit and the tag of a release.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::{process, workspace};

/// The version of the workspace and the commit that is checked out.
#[derive(Debug)]
pub(crate) struct ReleaseInfo {
    /// The version of the workspace, for example `0.1.0`.
    pub(crate) version: String,
    /// The full hash of the commit.
    pub(crate) commit: String,
    /// The time of the commit, in seconds since 1970. It is the time of all files in the artifacts.
    pub(crate) epoch: u64,
    /// The time of the commit in the format of RFC 3339.
    pub(crate) time: String,
    /// The tags of the commit that begin with `v`.
    pub(crate) tags: Vec<String>,
}

impl ReleaseInfo {
    /// Reads the manifest of the workspace and the repository.
    ///
    /// # Errors
    /// Returns an error if the manifest has no version, or if git fails.
    pub(crate) fn read(root: &Path) -> Result<Self> {
        let version = workspace::package_field(root, "version")?;
        let commit = git(root, &["rev-parse", "HEAD"])?.trim().to_owned();
        let epoch = git(root, &["log", "-1", "--format=%ct"])?
            .trim()
            .parse()
            .context("git did not print the time of the commit")?;
        // `TZ` makes git print UTC.
        let mut time = Command::new("git");
        time.current_dir(root)
            .args([
                "log",
                "-1",
                "--date=format-local:%Y-%m-%dT%H:%M:%SZ",
                "--format=%cd",
            ])
            .env("TZ", "UTC");
        let time = process::output(time)?.trim().to_owned();
        let tags = git(root, &["tag", "--list", "v*", "--points-at", "HEAD"])?;
        Ok(Self {
            version,
            commit,
            epoch,
            time,
            tags: tags.lines().map(str::to_owned).collect(),
        })
    }
}

/// Runs git in the directory and returns its output.
///
/// # Errors
/// Returns an error if git cannot be started or fails.
pub(crate) fn git(root: &Path, arguments: &[&str]) -> Result<String> {
    let mut command = Command::new("git");
    command.current_dir(root).args(arguments);
    process::output(command)
}
