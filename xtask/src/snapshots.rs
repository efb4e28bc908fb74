//! `cargo xtask snapshots`

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use clap::Args;

use crate::output::print_line;
use crate::process::{self, cargo};
use crate::{files, test, workspace};

#[derive(Debug, Args)]
pub(crate) struct SnapshotsOptions {
    /// Review each change and accept or reject it (requires cargo-insta)
    #[arg(long)]
    review: bool,
}

pub(crate) fn run(options: &SnapshotsOptions) -> Result<()> {
    let root = workspace::root()?;
    if options.review && !process::succeeds(cargo(&root, "insta --version")) {
        bail!("--review needs cargo-insta: `cargo install --locked cargo-insta`");
    }
    let shape = if test::has_nextest(&root) {
        "nextest run --workspace --all-features --locked --no-fail-fast"
    } else {
        "test --workspace --all-targets --all-features --locked --no-fail-fast"
    };
    let mut tests = cargo(&root, shape);
    // A test with several snapshots must reach the last one.
    tests.envs([("INSTA_UPDATE", "new"), ("INSTA_FORCE_PASS", "1")]);
    let tested = process::run(tests);
    let pending = pending(&root)?;
    for path in &pending {
        print_line(format_args!("changed: {}", path.display()));
    }
    print_line(format_args!("{} changed snapshot files", pending.len()));
    if options.review && !pending.is_empty() {
        process::run(cargo(&root, "insta review"))?;
    }
    tested
}

/// Returns the files that insta wrote next to a snapshot, or next to the source file of an inline snapshot.
fn pending(root: &Path) -> Result<Vec<PathBuf>> {
    let is_pending = |path: &PathBuf| {
        let name = path.to_string_lossy();
        name.ends_with(".snap.new") || name.ends_with(".pending-snap")
    };
    Ok(files::below(root)?.into_iter().filter(is_pending).collect())
}
