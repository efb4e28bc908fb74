//! Implements `cargo xtask test`, which runs all checks that a change must pass, the fastest first.

use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail};

use crate::check::{self, Check};
use crate::output::print_line;
use crate::process::{self, cargo};
use crate::workspace;

/// Every step that builds the workspace uses the same features, so that nothing is built twice.
const STATIC: [&str; 3] = [
    "fmt --all --check",
    "clippy --workspace --all-targets --all-features --locked -- -D warnings",
    // Tests that only the soak task runs are not included in all targets.
    "clippy --package hh-server --test floods --all-features --locked -- -D warnings",
];

/// The combinations of features in which a library is used without the rest of the workspace.
const FEATURES: [&str; 5] = [
    "check --locked --package hh-auth --no-default-features",
    "check --locked --package hh-auth --no-default-features --features server",
    "check --locked --package hh-config --no-default-features",
    "check --locked --package hh-transport --no-default-features",
    "check --locked --package hh-api",
];

pub(crate) fn run() -> Result<()> {
    let root = workspace::root()?;
    spelling(&root)?;
    for step in STATIC {
        process::run(cargo(&root, step))?;
    }
    tests(&root)?;
    process::run(cargo(
        &root,
        "test --workspace --doc --all-features --locked",
    ))?;
    let mut doc = cargo(&root, "doc --workspace --no-deps --all-features --locked");
    doc.env("RUSTDOCFLAGS", "-D warnings");
    process::run(doc)?;
    for step in FEATURES {
        process::run(cargo(&root, step))?;
    }
    deny(&root)?;
    check::run_all(&root, &Check::ALL)?;
    print_line("everything passed");
    Ok(())
}

fn spelling(root: &Path) -> Result<()> {
    let mut version = Command::new("typos");
    version.arg("--version");
    if !process::succeeds(version) {
        let missing =
            "typos is not installed: `pip install typos` or `cargo install --locked typos-cli`";
        if process::is_ci() {
            bail!("{missing}");
        }
        print_line(format_args!("skipped the check of spelling: {missing}"));
        return Ok(());
    }
    let mut command = Command::new("typos");
    command.current_dir(root);
    process::run(command)
}

fn tests(root: &Path) -> Result<()> {
    if has_nextest(root) {
        let profile = if process::is_ci() { "ci" } else { "default" };
        let mut command = cargo(root, "nextest run --workspace --all-features --locked");
        command.args(["--profile", profile]);
        process::run(command)
    } else {
        print_line("cargo-nextest is not installed: the tests run with `cargo test` instead");
        process::run(cargo(
            root,
            "test --workspace --all-targets --all-features --locked",
        ))
    }
}

/// Returns whether `cargo nextest` can be used.
pub(crate) fn has_nextest(root: &Path) -> bool {
    process::succeeds(cargo(root, "nextest --version"))
}

fn deny(root: &Path) -> Result<()> {
    if !process::succeeds(cargo(root, "deny --version")) {
        let missing = "cargo-deny is not installed: `cargo install --locked cargo-deny`";
        if process::is_ci() {
            bail!("{missing}");
        }
        print_line(format_args!(
            "skipped the check of licenses, bans and sources: {missing}"
        ));
        return Ok(());
    }
    // The crates of other platforms may not have been downloaded yet. Only in this case is the network needed.
    let complete = cargo(
        root,
        "metadata --format-version 1 --all-features --locked --offline",
    );
    let offline = if process::succeeds(complete) {
        "--offline"
    } else {
        ""
    };
    process::run(cargo(
        root,
        &format!("deny {offline} check licenses bans sources"),
    ))
}
