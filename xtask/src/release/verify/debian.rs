//! Installs, upgrades and removes the Debian package in a minimal Debian system.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use super::verification::{PATH, Verification};
use crate::{files, process};

/// The version of the package from which the check upgrades.
const LOWER: &str = "0.0.1-1";

/// Directories whose files dpkg itself changes.
const OF_DPKG: [&str; 3] = ["var/cache/", "var/lib/dpkg/", "var/log/"];

pub(super) fn check(verification: &Verification<'_>, package: &Path) -> Result<String> {
    let system = system(verification.root)?;
    // A check that failed can have left its package.
    inside(&system, &["dpkg", "--purge", "honeyhive"])?;
    let before = installed_files(&system)?;
    let lower = with_lower_version(verification, package)?;
    install(&system, &lower)?;
    let installed = installed_files(&system)?;
    let count = installed.difference(&before).count();
    let version = inside(&system, &["honeyhive", "--version"])?;
    install(&system, package)?;
    let upgraded = query(&system, "${Version}")?;
    if upgraded != version_of(package)? {
        bail!("the upgrade installed version {upgraded}");
    }
    let depends = query(&system, "${Depends}")?;
    inside(&system, &["honeyhive", "config", "list"])?;
    inside(&system, &["dpkg", "--purge", "honeyhive"])?;
    let after = installed_files(&system)?;
    if let Some(left) = after.symmetric_difference(&before).next() {
        bail!("{left} differs after the removal");
    }
    Ok(format!(
        "{}; installed {count} files, upgraded from {LOWER} to {upgraded}, no file remains after the removal; depends on {depends}",
        version.trim(),
    ))
}

/// Returns a minimal Debian system. Its creation takes a minute, so it is kept for the next check.
fn system(root: &Path) -> Result<PathBuf> {
    let system = root.join("target/release-debian");
    if system.join("etc/debian_version").exists() {
        return Ok(system);
    }
    files::empty_folder(&system)?;
    let mut debootstrap = Command::new("debootstrap");
    debootstrap
        .args(["--variant=minbase", "stable"])
        .arg(&system);
    if let Err(error) = process::output(debootstrap) {
        // An incomplete system would be taken for a complete one.
        drop(fs::remove_dir_all(&system));
        return Err(error);
    }
    Ok(system)
}

/// Returns a copy of the package with a lower version.
fn with_lower_version(verification: &Verification<'_>, package: &Path) -> Result<PathBuf> {
    let folder = verification.scratch.join("package");
    let mut unpack = Command::new("dpkg-deb");
    unpack.arg("--raw-extract").arg(package).arg(&folder);
    process::output(unpack)?;
    let control = folder.join("DEBIAN/control");
    let text = files::text(&control)?;
    let lower: Vec<_> = text
        .lines()
        .map(|line| match line.strip_prefix("Version: ") {
            Some(_) => format!("Version: {LOWER}"),
            None => line.to_owned(),
        })
        .collect();
    files::write(&control, &(lower.join("\n") + "\n"))?;
    let path = verification.scratch.join("lower.deb");
    let mut build = Command::new("dpkg-deb");
    build
        .args(["--root-owner-group", "--build"])
        .arg(&folder)
        .arg(&path);
    process::output(build)?;
    Ok(path)
}

fn install(system: &Path, package: &Path) -> Result<()> {
    let inner = "/tmp/honeyhive.deb";
    let copy = system.join(inner.trim_start_matches('/'));
    fs::copy(package, &copy).with_context(|| format!("cannot copy {}", package.display()))?;
    inside(system, &["dpkg", "--install", inner])?;
    fs::remove_file(&copy).with_context(|| format!("cannot remove {}", copy.display()))
}

/// Runs a command in the system and returns its output.
fn inside(system: &Path, command: &[&str]) -> Result<String> {
    let mut chroot = Command::new("chroot");
    chroot
        .arg(system)
        .args(command)
        .env_clear()
        .env("PATH", PATH)
        .env("DEBIAN_FRONTEND", "noninteractive");
    process::output(chroot)
}

/// Returns a field of the installed package.
fn query(system: &Path, field: &str) -> Result<String> {
    let format = format!("--showformat={field}");
    let value = inside(system, &["dpkg-query", "--show", &format, "honeyhive"])?;
    Ok(value.trim().to_owned())
}

/// Returns the version of a package file.
fn version_of(package: &Path) -> Result<String> {
    let mut dpkg = Command::new("dpkg-deb");
    dpkg.arg("--field").arg(package).arg("Version");
    Ok(process::output(dpkg)?.trim().to_owned())
}

fn installed_files(system: &Path) -> Result<BTreeSet<String>> {
    let mut find = Command::new("find");
    find.current_dir(system)
        .args([".", "-xdev", "-printf", "%P\n"]);
    Ok(process::output(find)?
        .lines()
        .filter(|path| !OF_DPKG.iter().any(|folder| path.starts_with(folder)))
        .map(str::to_owned)
        .collect())
}
