//! `cargo xtask release publish`: publishes the crates, or builds each of them from its package in a dry run.

mod contents;
mod packages;
mod workspaces;

use std::path::Path;

use anyhow::{Result, bail};
use clap::Args;

use crate::output::print_line;
use crate::process;
use crate::release::check::{self, CheckOptions};
use crate::workspace::{self, Package};

#[derive(Debug, Args)]
pub(crate) struct PublishOptions {
    /// Pack the crates, build and test each from its package, and publish nothing
    #[arg(long)]
    dry_run: bool,
}

/// Publishes the crates in the order of their dependencies, or packs and tests them in a dry run.
///
/// # Errors
/// Returns an error if the release is incomplete, or if a package is invalid, does not build or fails its tests.
pub(crate) fn run(root: &Path, options: &PublishOptions) -> Result<()> {
    let (published, others): (Vec<_>, Vec<_>) = workspace::packages(root)?
        .into_iter()
        .partition(Package::is_published);
    if options.dry_run {
        return dry_run(root, &published, &others);
    }
    check::run(root, &CheckOptions { publish: true })?;
    // crates.io limits the number of new crates, so that a release can need several runs.
    let (done, rest): (Vec<_>, Vec<_>) = published
        .into_iter()
        .partition(|package| is_on_crates_io(root, package));
    if rest.is_empty() {
        print_line("All crates of this version are published");
        return Ok(());
    }
    let others: Vec<_> = others.into_iter().chain(done).collect();
    process::run(packages::excluding(
        process::cargo(root, "publish --workspace --locked"),
        &others,
    ))
}

fn dry_run(root: &Path, published: &[Package], others: &[Package]) -> Result<()> {
    let folder = root.join("target/packages");
    packages::pack(root, others)?;
    let mut findings = Vec::new();
    for package in published {
        let unpacked = packages::unpack(root, package, &folder.join(&package.name))?;
        print_line(format_args!(
            "package {}: {} files, {} KiB",
            package.name,
            unpacked.files.len(),
            unpacked.bytes.div_ceil(1024)
        ));
        findings.extend(contents::findings(&package.name, &unpacked));
    }
    for finding in &findings {
        print_line(format_args!("  {finding}"));
    }
    if !findings.is_empty() {
        bail!("correct the findings printed above ({})", findings.len());
    }
    workspaces::test_packages(root, &folder, published)?;
    workspaces::run_consumers(root)?;
    print_line("All packages build and work alone");
    Ok(())
}

/// Returns whether crates.io has the version of a package.
fn is_on_crates_io(root: &Path, package: &Package) -> bool {
    let name = format!("{}@{}", package.name, package.version());
    let mut info = process::cargo(root, "info --quiet --registry crates-io");
    info.arg(name);
    process::succeeds(info)
}
