//! `cargo xtask release`: plans, checks, builds and verifies a release.

mod archive;
mod build;
mod check;
mod collect;
mod deb;
mod formula;
mod image;
mod info;
mod installer;
mod licenses;
mod linked;
mod plan;
mod program;
mod publish;
mod rpm;
mod sbom;
mod stage;
mod sums;
mod targets;
mod tools;
mod verify;

use anyhow::Result;
use clap::{Args, Subcommand};

use crate::workspace;

#[derive(Debug, Args)]
pub(crate) struct ReleaseOptions {
    #[command(subcommand)]
    step: Step,
}

#[derive(Debug, Subcommand)]
enum Step {
    /// Print the version, the artifacts of this machine and what other platforms need
    Plan,
    /// Check that version, tag, changelog and packages agree and that the tree is clean
    Check(check::CheckOptions),
    /// Build all artifacts for this machine in target/release-artifacts
    Build,
    /// Write the installers and SHA256SUMS again, after copying the artifacts of other machines
    Collect,
    /// Install, run and inspect the artifacts of a build
    Verify(verify::VerifyOptions),
    /// Publish the crates on crates.io
    Publish(publish::PublishOptions),
}

pub(crate) fn run(options: &ReleaseOptions) -> Result<()> {
    let root = workspace::root()?;
    match &options.step {
        Step::Plan => plan::run(&root),
        Step::Check(options) => check::run(&root, options),
        Step::Build => build::run(&root),
        Step::Collect => collect::run(&root),
        Step::Verify(options) => verify::run(&root, options),
        Step::Publish(options) => publish::run(&root, options),
    }
}
