//! Implements `cargo xtask bench`, which measures the CPU time of the release build and compares it with a baseline in
//! the same run.

mod builds;
mod comparison;
mod config;
mod cpu_time;
mod load;
mod otlp;
mod program;
mod reads;
mod scan;
mod server;
mod tracer;
mod transport;

use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, ValueEnum};

#[derive(Debug, Args)]
pub(crate) struct BenchOptions {
    /// What to measure
    #[arg(value_enum)]
    what: Benchmark,
    /// Another build of the measured program to compare with in the same run: `honeyhive` for config and server,
    /// `bench-transport-call` for transport
    #[arg(long, value_name = "BINARY")]
    baseline: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Benchmark {
    /// Configuration: a full load compared with parsing only, and the command line compared with a minimal program
    Config,
    /// Keys: first use and revocation while other clients read late pages of a million events, compared with an idle
    /// server
    Reads,
    /// Scan for keys: CPU time compared with ripgrep and the same pattern
    Scan,
    /// Server: CPU time of an authorized request and of a stored span, startup time and memory
    Server,
    /// Tracer: CPU time of the caller for one span, compared with OpenTelemetry
    Tracer,
    /// Transport: CPU time of a call, compared with reqwest alone
    Transport,
}

pub(crate) fn run(options: &BenchOptions) -> Result<()> {
    let baseline = options.baseline.as_deref();
    match options.what {
        Benchmark::Config => config::run(baseline),
        Benchmark::Reads => reads::run(),
        Benchmark::Scan => scan::run(),
        Benchmark::Server => server::run(baseline),
        Benchmark::Tracer => tracer::run(),
        Benchmark::Transport => transport::run(baseline),
    }
}
