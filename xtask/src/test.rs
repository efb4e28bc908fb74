//! `cargo xtask test`: runs all checks that a change must pass, the fast ones first.

use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail};

use crate::book;
use crate::check::{self, Check};
use crate::output::print_line;
use crate::process::{self, cargo};
use crate::workspace;

/// The formatter and Clippy. All steps for the workspace use the same features, so that nothing is built twice.
const STATIC: [&str; 3] = [
    "fmt --all --check",
    "clippy --workspace --all-targets --all-features --locked -- -D warnings",
    // `--all-targets` does not include this test, because only `cargo xtask soak` runs it.
    "clippy --package hh-server --test floods --all-features --locked -- -D warnings",
];

/// Builds and tests of libraries with the features that programs outside this workspace use.
const FEATURES: [&str; 9] = [
    "check --locked --package hh-auth --no-default-features",
    "check --locked --package hh-auth --no-default-features --features server",
    "check --locked --package hh-config --no-default-features",
    "check --locked --package hh-config --no-default-features --features figment",
    "check --locked --package hh-config --features figment",
    "test --locked --package hh-config --no-default-features --test without_files",
    "check --locked --package hh-transport --no-default-features",
    "check --locked --package hh-api",
    "check --locked --package hh-cli --no-default-features",
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
    site(&root)?;
    print_line("All checks passed");
    Ok(())
}

fn spelling(root: &Path) -> Result<()> {
    let mut version = Command::new("typos");
    version.arg("--version");
    if !process::succeeds(version) {
        let missing =
            "typos is not installed: run `pip install typos` or `cargo install --locked typos-cli`";
        if process::is_ci() {
            bail!("{missing}");
        }
        print_line(format_args!("skipped the spelling check: {missing}"));
        return Ok(());
    }
    let mut command = Command::new("typos");
    command.current_dir(root);
    process::run(command)
}

fn site(root: &Path) -> Result<()> {
    if book::has_mdbook() {
        return book::build(root);
    }
    let missing = "mdbook is not installed: run `cargo install --locked mdbook`";
    if process::is_ci() {
        bail!("{missing}");
    }
    print_line(format_args!("skipped the documentation site: {missing}"));
    Ok(())
}

fn tests(root: &Path) -> Result<()> {
    if has_nextest(root) {
        let profile = if process::is_ci() { "ci" } else { "default" };
        let mut command = cargo(root, "nextest run --workspace --all-features --locked");
        command.args(["--profile", profile]);
        process::run(command)
    } else {
        print_line("cargo-nextest is not installed: running the tests with `cargo test`");
        process::run(cargo(
            root,
            "test --workspace --all-targets --all-features --locked",
        ))
    }
}

/// Returns whether cargo-nextest is installed.
pub(crate) fn has_nextest(root: &Path) -> bool {
    process::succeeds(cargo(root, "nextest --version"))
}

fn deny(root: &Path) -> Result<()> {
    if !process::succeeds(cargo(root, "deny --version")) {
        let missing = "cargo-deny is not installed: run `cargo install --locked cargo-deny`";
        if process::is_ci() {
            bail!("{missing}");
        }
        print_line(format_args!(
            "skipped the check of licenses, bans and sources: {missing}"
        ));
        return Ok(());
    }
    // Crates for other platforms may not have been downloaded yet; only then is the network required.
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
