//! `cargo xtask release`: plans, checks, builds and verifies a release.

mod publish;

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
    /// Publish the crates on crates.io
    Publish(publish::PublishOptions),
}

pub(crate) fn run(options: &ReleaseOptions) -> Result<()> {
    let root = workspace::root()?;
    match &options.step {
        Step::Publish(options) => publish::run(&root, options),
    }
}
