//! `cargo xtask man`: generates the manual pages, one file for each command.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result};
use clap::Args;

use crate::output::print_line;
use crate::{process, references, workspace};

#[derive(Debug, Args)]
pub(crate) struct ManOptions {
    /// Output directory
    #[arg(default_value = "target/man")]
    folder: PathBuf,
    /// Use the programs of the last build
    #[arg(long)]
    no_build: bool,
}

pub(crate) fn run(options: &ManOptions) -> Result<()> {
    let root = workspace::root()?;
    if !options.no_build {
        references::build(&root)?;
    }
    let folder = root.join(&options.folder);
    let shown = folder.display();
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {shown}"))?;
    let mut command = Command::new(references::programs()?.join("man-pages"));
    command.arg(&folder);
    process::output(command)?;
    print_line(format_args!("Wrote the manual pages to {shown}"));
    Ok(())
}
