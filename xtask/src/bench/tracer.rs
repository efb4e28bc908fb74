//! The tracer: what a span costs its caller beside a span of OpenTelemetry.

use std::process::Command;

use anyhow::Result;

use super::builds::{build_tool, target};
use crate::{process, workspace};

pub(super) fn run() -> Result<()> {
    let root = workspace::root()?;
    build_tool(&root, "--release", "bench-tracer-span", "bench-tracer")?;
    // It fails when it is over its limit.
    process::run(Command::new(
        target(&root)?.join("release/bench-tracer-span"),
    ))
}
