//! `cargo xtask bench`: figures of the release build, by CPU time, beside what they are compared with in the same run.

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
