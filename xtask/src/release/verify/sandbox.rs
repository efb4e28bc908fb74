//! Runs programs in other root directories.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use super::verification::Verification;
use crate::{files, process};

/// Checks that the static program runs in a root directory that contains nothing else.
pub(super) fn runs_alone(verification: &Verification<'_>, archive: &Path) -> Result<String> {
    let top = verification.unpack(archive)?;
    let empty = verification.scratch.join("empty");
    files::empty_folder(&empty)?;
    std::fs::copy(top.join("honeyhive"), empty.join("honeyhive"))
        .context("cannot copy the program")?;
    let mut run = Command::new("chroot");
    run.arg(&empty)
        .args(["/honeyhive", "--version"])
        .env_clear();
    let version = process::output(run)?;
    let mut list = Command::new("chroot");
    list.arg(&empty)
        .args(["/honeyhive", "config", "list"])
        .env_clear();
    if process::output(list)?.is_empty() {
        bail!("`honeyhive config list` printed nothing");
    }
    Ok(version.trim().to_owned())
}
