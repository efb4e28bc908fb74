//! `cargo xtask docs`: builds the documentation site with mdBook and checks its links.
//!
//! The pages keep their paths in the repository, so that only links to files that are not pages change.

mod links;
mod site;
mod summary;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::output::print_line;
use crate::{files, process, workspace};

/// The directory of the site, below the root.
const FOLDER: &str = "target/book";
/// The directory of the pages that mdBook reads.
const SOURCE: &str = "target/book-source";
/// The directory of the changed parts of the theme.
const THEME: &str = "xtask/book/theme";
const STYLE: &str = "xtask/book/site.css";
const SCRIPT: &str = "xtask/book/site.js";

/// Pages that are outside `docs`.
const DOCUMENTS: [&str; 6] = [
    "README.md",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CODE_OF_CONDUCT.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
];

pub(crate) fn run() -> Result<()> {
    let root = workspace::root()?;
    build(&root)?;
    print_line(format_args!(
        "Wrote the documentation to {FOLDER}/index.html"
    ));
    Ok(())
}

/// Returns whether mdBook is installed.
pub(crate) fn has_mdbook() -> bool {
    let mut version = Command::new("mdbook");
    version.arg("--version");
    process::succeeds(version)
}

/// Builds the site.
///
/// # Errors
/// Returns an error if mdBook is missing or fails, a page is not in the index, or a link of the site is broken.
pub(crate) fn build(root: &Path) -> Result<()> {
    if !has_mdbook() {
        bail!("mdbook is not installed: run `cargo install --locked mdbook`");
    }
    let repository = workspace::package_field(root, "repository")?;
    let source = root.join(SOURCE);
    let out = root.join(FOLDER);
    for folder in [&source, &out] {
        if folder.exists() {
            fs::remove_dir_all(folder)
                .with_context(|| format!("cannot remove {}", folder.display()))?;
        }
    }
    stage(root, &source, &repository)?;
    let mut mdbook = Command::new("mdbook");
    mdbook.arg("build").arg(&source);
    process::run(mdbook)?;
    // mdBook copies all files that are not pages. The pages use copies of the style and the script with other names.
    for name in ["book.toml", "site.css", "site.js"] {
        let copy = out.join(name);
        fs::remove_file(&copy).with_context(|| format!("cannot remove {}", copy.display()))?;
    }
    let findings = site::findings(&out)?;
    for finding in &findings {
        print_line(format_args!("docs: {finding}"));
    }
    if !findings.is_empty() {
        bail!("correct the findings printed above ({})", findings.len());
    }
    Ok(())
}

/// Writes the pages and the configuration that mdBook reads.
fn stage(root: &Path, source: &Path, repository: &str) -> Result<()> {
    let pages = pages(root)?;
    for page in &pages {
        let text = files::text(&root.join(page))?;
        if page.extension().is_some_and(|name| name == "md") {
            let text = links::rewrite(&text, |target| {
                links::target(root, page, target, &pages, repository)
            });
            files::write(&source.join(page), &text)?;
        } else {
            files::write(&source.join(page), &text)?;
        }
    }
    let index = files::text(&root.join(summary::INDEX))?;
    files::write(
        &source.join("SUMMARY.md"),
        &summary::generate(&index, &pages)?,
    )?;
    for file in [STYLE, SCRIPT] {
        let name = Path::new(file).file_name().unwrap_or_default();
        files::write(&source.join(name), &files::text(&root.join(file))?)?;
    }
    files::write(&source.join("book.toml"), &configuration(root, repository))
}

/// Returns all files of the site, relative to the root.
fn pages(root: &Path) -> Result<Vec<PathBuf>> {
    let mut pages: Vec<_> = DOCUMENTS.iter().map(PathBuf::from).collect();
    let docs = files::below(&root.join("docs"))?;
    pages.extend(docs.iter().map(|file| Path::new("docs").join(file)));
    Ok(pages)
}

/// Returns `book.toml`.
fn configuration(root: &Path, repository: &str) -> String {
    let name = repository.rsplit('/').next().unwrap_or_default();
    let theme = root.join(THEME);
    let theme = theme.display();
    let out = root.join(FOLDER);
    let out = out.display();
    format!(
        r#"[book]
title = "HoneyHive for Rust"
description = "Tracer, API client, command line and server of HoneyHive"
language = "en"
src = "."

[build]
build-dir = '{out}'
create-missing = false

[output.html]
no-section-label = true
theme = '{theme}'
default-theme = "light"
preferred-dark-theme = "navy"
additional-css = ["site.css"]
additional-js = ["site.js"]
site-url = "/{name}/"
git-repository-url = "{repository}"
edit-url-template = "{repository}/edit/main/{{path}}"

[output.html.playground]
runnable = false

[output.html.print]
enable = false

[output.html.search]
limit-results = 20
use-boolean-and = true
boost-title = 2
boost-hierarchy = 2
"#
    )
}
