//! Developer tasks of the workspace, run as `cargo xtask <task>`.
//!
//! Every task is one file. Nothing depends on this crate, and it runs the other crates' binaries
//! instead of linking to them, so a broken library never keeps the tasks from building.

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
    /// Run everything a change must pass: format, lints, tests, documentation, features, licenses, checks
    Test,
    /// Check the rules of the workspace that no compiler knows
    Check(check::CheckOptions),
    /// Run the tests, write changed snapshots as .snap.new files and list them
    Snapshots(snapshots::SnapshotsOptions),
    /// Write the pages of docs/reference anew, from the code
    References,
    /// Write the manual pages of the command line
    Man(man::ManOptions),
    /// Measure the release build
    Bench(bench::BenchOptions),
    /// Run the fuzz targets, each for a while
    Fuzz(fuzz::FuzzOptions),
    /// Run the tests that repeat themselves, in their long forms
    Soak(soak::SoakOptions),
    /// Show the whole way: a server, a key, a traced program, its trace read back
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
