//! `cargo xtask bench`: figures of the release build, by CPU time, beside what they are compared with in the same run.

mod comparison;
mod config;
mod load;
mod otlp;
mod program;
mod reads;
mod scan;
mod server;
mod tracer;
mod transport;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::{Args, ValueEnum};

use crate::process;
use comparison::Comparison;

#[derive(Debug, Args)]
pub(crate) struct BenchOptions {
    /// What to measure
    #[arg(value_enum)]
    what: What,
    /// Another build of the measured program to compare with in the same run: `honeyhive` for config and server,
    /// `bench-transport-call` for transport
    #[arg(long, value_name = "BINARY")]
    baseline: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum What {
    /// Configuration: a full load beside parsing alone, the command line beside a program that does nothing
    Config,
    /// Keys while others read far pages of a million events: first use and revocation, beside an idle server
    Reads,
    /// The search for keys: CPU beside that of ripgrep with the same pattern
    Scan,
    /// The server: CPU of a checked request and of a stored span, start, memory
    Server,
    /// The tracer: CPU that a span costs its caller beside that of OpenTelemetry
    Tracer,
    /// The transport: CPU of a call beside that of reqwest alone
    Transport,
}

/// Rounds of which the best counts: other work on the machine only ever adds.
const ROUNDS: usize = 5;

pub(crate) fn run(options: &BenchOptions) -> Result<()> {
    let baseline = options.baseline.as_deref();
    match options.what {
        What::Config => config::run(baseline),
        What::Reads => reads::run(),
        What::Scan => scan::run(),
        What::Server => server::run(baseline),
        What::Tracer => tracer::run(),
        What::Transport => transport::run(baseline),
    }
}

/// Builds one program of hh-tools with the features that it needs, so that nothing else is built.
fn build_tool(root: &Path, profile: &str, program: &str, features: &str) -> Result<()> {
    let mut build = process::cargo(
        root,
        &format!(
            "build {profile} --locked --package hh-tools --no-default-features --bin {program}"
        ),
    );
    if !features.is_empty() {
        build.args(["--features", features]);
    }
    process::run(build)
}

/// CPU time of all children that have ended.
fn of_children() -> Result<Duration> {
    let stat = fs::read_to_string("/proc/self/stat").context("cannot read /proc/self/stat")?;
    // The second field is the name in brackets, which may hold spaces.
    let fields = stat.rsplit(')').next().unwrap_or_default();
    let ticks = fields.split_whitespace().skip(13).take(2);
    let ticks: u32 = ticks.filter_map(|field| field.parse::<u32>().ok()).sum();
    Ok(Duration::from_millis(10) * ticks)
}

/// Cargo's folder for what it builds.
fn target(root: &Path) -> Result<PathBuf> {
    let metadata = process::output(process::cargo(
        root,
        "metadata --format-version 1 --no-deps --locked --offline",
    ))?;
    let metadata: serde_json::Value = serde_json::from_str(&metadata)?;
    let folder = metadata["target_directory"].as_str();
    Ok(PathBuf::from(
        folder.context("cargo names no target folder")?,
    ))
}
