//! `cargo xtask release check`: checks that version, tag, changelog, packages and working tree agree.

mod changelog;
mod packages;
#[cfg(test)]
mod tests;

use std::path::Path;

use anyhow::{Result, bail};
use clap::Args;

use crate::output::print_line;
use crate::release::info::{ReleaseInfo, git};
use crate::{files, workspace};

use changelog::Changelog;

/// The name in the address of the repository and in the authors until an owner is decided.
const PLACEHOLDER: &str = "OWNER";

#[derive(Debug, Args)]
pub(crate) struct CheckOptions {
    /// Also require a version tag and a real owner
    #[arg(long)]
    pub(crate) publish: bool,
}

/// Prints the findings.
///
/// # Errors
/// Returns an error if there is a finding.
pub(crate) fn run(root: &Path, options: &CheckOptions) -> Result<()> {
    let info = ReleaseInfo::read(root)?;
    let mut findings = findings(root, &info)?;
    let blockers = publishing(root, &info);
    if options.publish {
        findings.extend(blockers);
    } else {
        for blocker in blockers {
            print_line(format_args!("before publishing: {blocker}"));
        }
    }
    refuse(&findings)?;
    print_line(format_args!("release check: ok, version {}", info.version));
    Ok(())
}

/// Prints the findings, and refuses to continue if there are any.
///
/// # Errors
/// Returns an error if there is a finding.
pub(crate) fn refuse(findings: &[String]) -> Result<()> {
    for finding in findings {
        print_line(format_args!("release check: {finding}"));
    }
    if !findings.is_empty() {
        bail!("correct the findings printed above ({})", findings.len());
    }
    Ok(())
}

/// Returns what prevents a build of artifacts.
///
/// # Errors
/// Returns an error if the workspace or the repository cannot be read.
pub(crate) fn findings(root: &Path, info: &ReleaseInfo) -> Result<Vec<String>> {
    let packages = workspace::packages(root)?;
    let mut findings = packages::findings(root, &info.version, &packages)?;
    let changelog = Changelog::parse(&files::text(&root.join("CHANGELOG.md"))?);
    findings.extend(changelog.findings(&info.version, !info.tags.is_empty()));
    findings.extend(tag_findings(root, info, &changelog)?);
    let changes = git(root, &["status", "--porcelain"])?;
    if let Some(first) = changes.lines().next() {
        let path = first.get(3..).unwrap_or(first);
        findings.push(format!(
            "the working tree has changes, such as {path}: commit them or remove them"
        ));
    }
    Ok(findings)
}

/// Returns what prevents publishing.
pub(crate) fn publishing(root: &Path, info: &ReleaseInfo) -> Vec<String> {
    let mut findings = Vec::new();
    if !info.tags.contains(&format!("v{}", info.version)) {
        findings.push(format!(
            "the commit has no tag v{}: create it",
            info.version
        ));
    }
    // The sources of this task and the pages about releases name the placeholder.
    // The crates use the same word for owners of keys.
    let paths = [
        ".",
        ":!CONTRIBUTING.md",
        ":!crates",
        ":!docs/reference",
        ":!xtask",
    ];
    let pattern = format!("(/|@|--repo |\"|^){PLACEHOLDER}\\b");
    let search = [
        "grep",
        "--files-with-matches",
        "--extended-regexp",
        &pattern,
        "--",
    ];
    // git fails if no file contains the placeholder.
    let found = git(root, &[&search[..], &paths].concat()).unwrap_or_default();
    findings.extend(
        found
            .lines()
            .map(|file| format!("{file} contains the placeholder {PLACEHOLDER}: write the owner")),
    );
    findings
}

fn tag_findings(root: &Path, info: &ReleaseInfo, changelog: &Changelog) -> Result<Vec<String>> {
    let expected = format!("v{}", info.version);
    let others = info.tags.iter().filter(|tag| **tag != expected);
    let mut findings: Vec<_> = others
        .map(|tag| {
            format!(
                "the commit has the tag {tag}, but the version is {}: correct one of them",
                info.version
            )
        })
        .collect();
    let is_released = !git(root, &["tag", "--list", &expected])?.is_empty();
    if is_released && info.tags.is_empty() && changelog.newest() == Some(info.version.as_str()) {
        findings.push(format!(
            "version {} was released from another commit (tag {expected}): increase the version, or write an Unreleased section",
            info.version
        ));
    }
    Ok(findings)
}
