//! `cargo xtask bench`: measures the CPU time of the release build and compares it with a reference in the same run.

mod builds;
mod comparison;
mod config;
mod cpu_time;
mod data_dir;
mod limits;
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
    /// Benchmark to run
    #[arg(value_enum)]
    what: Benchmark,
    /// Another build of the measured program to compare with in the same run: `honeyhive` for config and server,
    /// `bench-transport-call` for transport
    #[arg(long, value_name = "BINARY")]
    baseline: Option<PathBuf>,
    /// Number of stored events for reads, and in the largest database for server
    #[arg(long, default_value_t = 1_000_000)]
    events: u64,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Benchmark {
    /// Configuration: a full load compared with parsing alone, and commands compared with a minimal program
    Config,
    /// Reads of stored events compared with bare queries, and keys while other clients read large and far pages
    Reads,
    /// The search for keys: CPU time compared with ripgrep and the same pattern
    Scan,
    /// The server: CPU time of a request and of a stored span compared with a bare route and a bare writer, growth, size,
    /// start time, memory
    Server,
    /// The tracer: CPU time that a span costs its caller, compared with OpenTelemetry
    Tracer,
    /// The transport: CPU time of a call, compared with reqwest alone
    Transport,
}

pub(crate) fn run(options: &BenchOptions) -> Result<()> {
    let baseline = options.baseline.as_deref();
    match options.what {
        Benchmark::Config => config::run(baseline),
        Benchmark::Reads => reads::run(options.events),
        Benchmark::Scan => scan::run(),
        Benchmark::Server => server::run(baseline, options.events),
        Benchmark::Tracer => tracer::run(),
        Benchmark::Transport => transport::run(baseline),
    }
}
