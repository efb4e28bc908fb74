//! `cargo xtask build`

use anyhow::Result;
use clap::Args;

use crate::{process, workspace};

#[derive(Debug, Default, Args)]
pub(crate) struct BuildOptions {
    /// Build the release for users, optimized with the profile `dist`
    #[arg(long)]
    release: bool,
}

pub(crate) fn run(options: &BuildOptions) -> Result<()> {
    let mut command = process::cargo(
        &workspace::root()?,
        "build --workspace --bins --examples --locked",
    );
    if options.release {
        command.args(["--profile", "dist"]);
    }
    process::run(command)
}
