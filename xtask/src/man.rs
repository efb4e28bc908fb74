//! Implements `cargo xtask man`, which writes one manual page for each command.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result};
use clap::Args;

use crate::output::print_line;
use crate::{process, references, workspace};

#[derive(Debug, Args)]
pub(crate) struct ManOptions {
    /// Folder for the pages
    #[arg(default_value = "target/man")]
    folder: PathBuf,
    /// Use the existing build
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
    fs::create_dir_all(&folder).with_context(|| format!("{shown} cannot be made"))?;
    let mut command = Command::new(references::programs()?.join("man-pages"));
    command.arg(&folder);
    process::output(command)?;
    print_line(format_args!("wrote the manual pages to {shown}"));
    Ok(())
}
