//! Runs programs in other root directories.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use super::verification::{PATH, Verification};
use crate::{files, process};

/// Checks that the static program runs in a root directory that contains nothing else.
pub(super) fn runs_alone(verification: &Verification<'_>, archive: &Path) -> Result<String> {
    let top = verification.unpack(archive)?;
    let empty = verification.scratch.join("empty");
    files::empty_folder(&empty)?;
    std::fs::copy(top.join("honeyhive"), empty.join("honeyhive"))
        .context("cannot copy the program")?;
    let version = inside(&empty, &["/honeyhive", "--version"])?;
    if inside(&empty, &["/honeyhive", "config", "list"])?.is_empty() {
        bail!("`honeyhive config list` printed nothing");
    }
    Ok(version.trim().to_owned())
}

/// Runs a command in another root directory and returns its output.
fn inside(folder: &Path, command: &[&str]) -> Result<String> {
    let mut chroot = Command::new("chroot");
    chroot
        .arg(folder)
        .args(command)
        .env_clear()
        .env("PATH", PATH);
    process::output(chroot)
}
