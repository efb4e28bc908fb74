//! Compares a call through the transport with the same call with reqwest alone.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};

use super::builds::{build_tool, target};
use super::comparison::Comparison;
use crate::{process, workspace};

/// The number of runs of each build, which alternate.
const RUNS: usize = 5;

pub(super) fn run(baseline: Option<&Path>) -> Result<()> {
    let root = workspace::root()?;
    build_tool(
        &root,
        "--release",
        "bench-transport-call",
        "bench-transport",
    )?;
    let call = target(&root)?.join("release/bench-transport-call");
    if let Some(baseline) = baseline {
        let mut comparison = Comparison::default();
        for _ in 0..RUNS {
            comparison.add("call", ratio(baseline)?, ratio(&call)?);
        }
        comparison.finish()?;
    }
    // The program fails if the ratio exceeds its limit.
    process::run(Command::new(call))
}

/// Returns the ratio that a build of the program measures.
fn ratio(program: &Path) -> Result<f64> {
    let mut command = Command::new(program);
    command.arg("--ratio");
    let text = process::output(command)?;
    let shown = program.display();
    text.trim()
        .parse()
        .with_context(|| format!("{shown} printed no ratio"))
}
