//! Developer tasks of the workspace, run as `cargo xtask <task>`.
//!
//! Every task is one file. Nothing depends on this crate, and it runs the other crates' binaries
//! instead of linking to them, so that the tasks build even if a library does not.

mod bench;
mod book;
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
mod release;
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
    /// Build all programs and examples
    Build(build::BuildOptions),
    /// Run all checks that a change must pass: format, lints, tests, documentation, features, licenses, workspace rules
    Test,
    /// Check rules of the workspace that the compiler does not check
    Check(check::CheckOptions),
    /// Run the tests and list changed snapshots, which are written as .snap.new files
    Snapshots(snapshots::SnapshotsOptions),
    /// Generate the pages of docs/reference from the code
    References,
    /// Build the documentation site in target/book and check its links
    Docs,
    /// Generate the manual pages of the command line
    Man(man::ManOptions),
    /// Measure the release build
    Bench(bench::BenchOptions),
    /// Run each fuzz target for a limited time
    Fuzz(fuzz::FuzzOptions),
    /// Run the long versions of tests with many rounds, and floods of requests
    Soak(soak::SoakOptions),
    /// Plan, check, build, verify and publish a release
    Release(release::ReleaseOptions),
    /// Run a server, create a key, trace a program and read the trace
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
        Task::Docs => book::run(),
        Task::Man(options) => man::run(options),
        Task::Bench(options) => bench::run(options),
        Task::Fuzz(options) => fuzz::run(options),
        Task::Soak(options) => soak::run(options),
        Task::Release(options) => release::run(options),
        Task::Demo(options) => demo::run(options),
    }
}
