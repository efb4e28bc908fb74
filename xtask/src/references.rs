//! Implements `cargo xtask references`, which writes the pages of `docs/reference` and the OpenAPI document. The
//! programs themselves print their contents.

use std::env;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::output::print_line;
use crate::{error_reference, files, process, workspace};

const MARKER: &str = "Generated from the code by `cargo xtask references`; do not edit.";

/// Regenerates every page.
pub(crate) fn run() -> Result<()> {
    let root = workspace::root()?;
    build(&root)?;
    for (page, text) in pages(&root)? {
        files::write(&root.join(page), &text)?;
        print_line(format_args!("wrote {page}"));
    }
    Ok(())
}

/// Builds the programs that print the pages with the options of the tests, so that nothing is built twice.
pub(crate) fn build(root: &Path) -> Result<()> {
    let all = "build --workspace --bins --all-features --locked";
    process::run(process::cargo(root, all))
}

/// Finds the pages that differ from what the programs print.
pub(crate) fn findings(root: &Path) -> Result<Vec<String>> {
    if !root.join("crates/hh-cli").exists() {
        return Ok(Vec::new());
    }
    build(root)?;
    let stale = pages(root)?
        .into_iter()
        .filter(|(page, text)| files::text(&root.join(page)).ok().as_ref() != Some(text));
    Ok(stale
        .map(|(page, _)| format!("{page} is not what the code says: run `cargo xtask references`"))
        .collect())
}

fn pages(root: &Path) -> Result<Vec<(&'static str, String)>> {
    let page = |name: &str| process::output(Command::new(programs()?.join(name)));
    Ok(vec![
        (
            "docs/reference/environment-variables.md",
            page("environment-reference")?,
        ),
        ("docs/reference/settings.md", page("settings-reference")?),
        (
            "docs/reference/operations.md",
            page("operations-reference")?,
        ),
        (
            "crates/hh-server/src/openapi.json",
            page("openapi-document")?,
        ),
        ("docs/reference/cli.md", cli()?),
        ("docs/reference/errors.md", error_reference::page(root)?),
    ])
}

/// Returns the folder of this program, in which cargo also builds the other programs.
pub(crate) fn programs() -> Result<PathBuf> {
    let this = env::current_exe().context("cannot find this program's own file")?;
    let folder = this
        .parent()
        .context("this program's file is in no folder")?;
    Ok(folder.to_path_buf())
}

fn cli() -> Result<String> {
    let mut text = format!("# Command line\n\n{MARKER}\n");
    describe(&mut text, &["honeyhive"])?;
    Ok(text)
}

/// Adds the help of a command and of all its subcommands, depth first.
fn describe(text: &mut String, path: &[&str]) -> Result<()> {
    let mut command = Command::new(programs()?.join(path[0]));
    command.args(&path[1..]).arg("--help");
    let help = process::output(command)?;
    let heading = "#".repeat(path.len() + 1);
    write!(
        text,
        "\n{heading} {}\n\n```text\n{help}```\n",
        path.join(" ")
    )?;
    for name in subcommands(&help) {
        let below: Vec<_> = path.iter().copied().chain([name]).collect();
        describe(text, &below)?;
    }
    Ok(())
}

/// Reads the names below `Commands:` in a help text.
fn subcommands(help: &str) -> impl Iterator<Item = &str> {
    help.lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
}
