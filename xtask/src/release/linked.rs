//! Lists the crates that are linked to the program.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::Result;

use crate::process;

/// Returns the names and versions of the crates that are linked to the program.
///
/// # Errors
/// Returns an error if cargo fails.
pub(crate) fn crates(root: &Path, target: &str) -> Result<BTreeSet<String>> {
    let mut tree = process::cargo(
        root,
        "tree --locked --package hh-cli --edges normal,no-proc-macro --prefix none --format {p} --target",
    );
    tree.arg(target);
    Ok(process::output(tree)?
        .lines()
        .filter_map(|line| line.split_once(" v"))
        .filter_map(|(name, rest)| Some(format!("{name} {}", rest.split_whitespace().next()?)))
        .collect())
}
