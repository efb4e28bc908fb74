//! `cargo xtask site`: builds the documentation site from `docs` with mdBook and checks its links.

mod html;
mod pages;

use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail};

use crate::output::print_line;
use crate::{files, process, workspace};

/// The directory of the generated site, below the root.
const FOLDER: &str = "target/site";

/// Builds the site.
///
/// # Errors
/// Returns an error if mdBook is not installed or fails, or if a link leads nowhere.
pub(crate) fn run() -> Result<()> {
    let root = workspace::root()?;
    if !process::is_installed("mdbook") {
        bail!("{}", missing());
    }
    build(&root)
}

/// Builds the site if mdBook is installed. In CI, mdBook is required.
///
/// # Errors
/// Returns an error if mdBook is missing in CI or fails, or if a link leads nowhere.
pub(crate) fn check(root: &Path) -> Result<()> {
    if process::is_installed("mdbook") {
        build(root)
    } else if process::is_ci() {
        bail!("{}", missing())
    } else {
        print_line(format_args!(
            "skipped the documentation site: {}",
            missing()
        ));
        Ok(())
    }
}

fn missing() -> &'static str {
    "mdbook is not installed: run `cargo install --locked mdbook --no-default-features --features search`"
}

fn build(root: &Path) -> Result<()> {
    let folder = root.join(FOLDER);
    files::empty_folder(&folder)?;
    let repository = workspace::package_field(root, "repository")?;
    pages::write(root, &folder.join("src"), &repository)?;
    files::write(&folder.join("book.toml"), &book(&repository))?;
    let mut mdbook = Command::new("mdbook");
    mdbook.arg("build").arg(&folder);
    process::run(mdbook)?;
    let html = folder.join("html");
    let findings = html::findings(&html)?;
    for finding in &findings {
        print_line(format_args!("site: {finding}"));
    }
    if !findings.is_empty() {
        bail!("correct the links printed above ({})", findings.len());
    }
    print_line(format_args!("Wrote the site to {}", html.display()));
    Ok(())
}

/// Returns the settings of mdBook.
fn book(repository: &str) -> String {
    format!(
        r#"[book]
title = "HoneyHive for Rust"
description = "Authentication, configuration, tracing, API client, command line and server"
language = "en"
src = "src"

[build]
build-dir = "html"
create-missing = false

[output.html]
git-repository-url = "{repository}"
edit-url-template = "{repository}/edit/main/docs/{{path}}"

[output.html.search]
limit-results = 20
"#
    )
}
