//! `cargo xtask demo`

use anyhow::{Result, bail};
use clap::Args;

#[derive(Debug, Args)]
pub(crate) struct DemoOptions {
    /// Keep the demo's folder and server when it ends
    #[arg(long)]
    keep: bool,
    /// Use the programs as they were built last
    #[arg(long)]
    no_build: bool,
}

pub(crate) fn run(_options: &DemoOptions) -> Result<()> {
    bail!("not written yet")
}
