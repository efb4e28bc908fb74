//! Developer tasks of the workspace, run as `cargo xtask <task>`.
//!
//! Every task is one file. No crate depends on this one. It runs the binaries of the other crates instead of linking to
//! them, so the tasks can be built even if a library cannot.

mod bench;
mod build;
mod check;
mod demo;
mod error_reference;
mod files;
mod fuzz;
mod man;
mod output;
mod process;
mod references;
mod rust;
mod snapshots;
mod soak;
mod test;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Developer tasks of the workspace
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Build every binary and example
    Build(build::BuildOptions),
    /// Run all checks that a change must pass: format, lints, tests, documentation, features, licenses and rules
    Test,
    /// Check the rules of the workspace that the compiler does not enforce
    Check(check::CheckOptions),
    /// Run the tests, write changed snapshots as .snap.new files and list them
    Snapshots(snapshots::SnapshotsOptions),
    /// Regenerate the pages of docs/reference from the code
    References,
    /// Write the manual pages of the command line
    Man(man::ManOptions),
    /// Measure the release build
    Bench(bench::BenchOptions),
    /// Run each fuzz target for a limited time
    Fuzz(fuzz::FuzzOptions),
    /// Run the long versions of repeating tests
    Soak(soak::SoakOptions),
    /// Run a complete example: start a server, create a key, trace a program and read its trace
    Demo(demo::DemoOptions),
}

fn main() -> ExitCode {
    match run(&Arguments::parse().task) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            output::print_error(&error);
            ExitCode::FAILURE
        }
    }
}

fn run(task: &Task) -> anyhow::Result<()> {
    match task {
        Task::Build(options) => build::run(options),
        Task::Test => test::run(),
        Task::Check(options) => check::run(options),
        Task::Snapshots(options) => snapshots::run(options),
        Task::References => references::run(),
        Task::Man(options) => man::run(options),
        Task::Bench(options) => bench::run(options),
        Task::Fuzz(options) => fuzz::run(options),
        Task::Soak(options) => soak::run(options),
        Task::Demo(options) => demo::run(options),
    }
}
