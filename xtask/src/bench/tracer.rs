//! Compares the CPU time of the caller for a span of the tracer with that for a span of OpenTelemetry.

use std::process::Command;

use anyhow::Result;

use super::builds::{build_tool, target};
use crate::{process, workspace};

pub(super) fn run() -> Result<()> {
    let root = workspace::root()?;
    build_tool(&root, "--release", "bench-tracer-span", "bench-tracer")?;
    // The program fails if the ratio exceeds its limit.
    process::run(Command::new(
        target(&root)?.join("release/bench-tracer-span"),
    ))
}
