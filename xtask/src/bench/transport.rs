//! The transport: a call through it beside the same call by reqwest alone.

use std::process::Command;

use anyhow::Result;

use super::target;
use crate::{process, workspace};

pub(super) fn run() -> Result<()> {
    let root = workspace::root()?;
    process::run(process::cargo(
        &root,
        "build --release --locked --package hh-transport --example call_beside_reqwest",
    ))?;
    let call = target(&root)?.join("release/examples/call_beside_reqwest");
    // It fails by itself when it is over its limit.
    process::run(Command::new(call))
}
