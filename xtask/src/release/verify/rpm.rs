//! Reads the RPM package.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use super::verification::Verification;
use crate::process;

/// Files that the package contains.
const FILES: [&str; 4] = [
    "/usr/bin/honeyhive",
    "/usr/share/bash-completion/completions/honeyhive",
    "/usr/share/doc/honeyhive/LICENSE-MIT",
    "/usr/share/man/man1/honeyhive.1",
];

pub(super) fn check(_: &Verification<'_>, package: &Path) -> Result<String> {
    let files = query(package, "-qpl")?;
    for file in FILES {
        if !files.lines().any(|line| line == file) {
            bail!("{file} is missing");
        }
    }
    let requires = query(package, "-qpR")?;
    let mut libraries: Vec<_> = requires
        .lines()
        .filter(|line| line.contains("GLIBC"))
        .collect();
    libraries.sort_by_key(|line| version(line));
    query(package, "-K")?;
    let newest = libraries.last().context("does not require glibc")?;
    Ok(format!(
        "{} files; requires {newest}",
        files.lines().count()
    ))
}

fn query(package: &Path, option: &str) -> Result<String> {
    let mut rpm = Command::new("rpm");
    rpm.arg(option).arg(package);
    process::output(rpm)
}

/// Returns the numbers of a version such as `libc.so.6(GLIBC_2.34)(64bit)`.
fn version(line: &str) -> Vec<u32> {
    let version = line.split("GLIBC_").nth(1).unwrap_or_default();
    let version = version.split(')').next().unwrap_or_default();
    version
        .split('.')
        .filter_map(|part| part.parse().ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::version;

    #[test]
    fn versions_are_compared_as_numbers() {
        assert!(version("libc.so.6(GLIBC_2.10)(64bit)") > version("libc.so.6(GLIBC_2.9)(64bit)"));
        assert!(version("libc.so.6(GLIBC_2.2.5)(64bit)") < version("libc.so.6(GLIBC_2.3)(64bit)"));
    }
}
