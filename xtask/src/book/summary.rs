//! Generates the table of contents of the site from the index of the documentation.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use crate::book::links;

/// The index of the documentation, with a link to each page.
pub(super) const INDEX: &str = "docs/README.md";

/// The first pages, before the sections of the index.
const FIRST: &str = "[HoneyHive for Rust](README.md)\n[All pages](docs/README.md)\n";

/// Returns the table of contents: a part for each section of the index, and a chapter for each page that it links to.
///
/// # Errors
/// Returns an error if the index has no link to a page.
pub(super) fn generate(index: &str, pages: &[PathBuf]) -> Result<String> {
    let mut summary = format!("# Summary\n\n{FIRST}");
    let mut missing: Vec<_> = pages
        .iter()
        .filter(|page| page.extension().is_some_and(|name| name == "md"))
        .filter(|page| !FIRST.contains(&format!("({})", page.display())))
        .collect();
    for line in index.lines() {
        if let Some(title) = line.strip_prefix("## ") {
            // Writing to a string cannot fail.
            let _ = writeln!(summary, "\n# {title}\n");
        }
        for (title, target) in links::of_line(line) {
            let path = links::resolve(Path::new(INDEX), target);
            if let Some(position) = missing.iter().position(|page| **page == path) {
                missing.remove(position);
                let _ = writeln!(summary, "- [{title}]({})", path.display());
            }
        }
    }
    if let Some(page) = missing.first() {
        bail!("{INDEX} has no link to {}: add one", page.display());
    }
    Ok(summary)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::generate;

    const INDEX: &str = "# Documentation\n\n## Guides\n\n| [Log in](guides/log-in.md) | Save a key. |\n\n## More\n\n- [Changes](../CHANGELOG.md)\n- [Rules](rules/a.toml)\n";

    #[test]
    fn the_table_of_contents_has_the_sections_and_pages_of_the_index() -> anyhow::Result<()> {
        let pages = [
            "README.md",
            "CHANGELOG.md",
            "docs/README.md",
            "docs/guides/log-in.md",
            "docs/rules/a.toml",
        ];
        let summary = generate(INDEX, &pages.map(PathBuf::from))?;
        let (_, parts) = summary.split_once("(docs/README.md)\n").unwrap_or_default();
        assert_eq!(
            parts,
            "\n# Guides\n\n- [Log in](docs/guides/log-in.md)\n\n# More\n\n- [Changes](CHANGELOG.md)\n"
        );
        Ok(())
    }

    #[test]
    fn a_page_that_is_not_in_the_index_is_an_error() {
        let pages = ["docs/README.md", "docs/guides/new.md"].map(PathBuf::from);
        let error = generate(INDEX, &pages).map_err(|error| error.to_string());
        assert_eq!(
            error.err().as_deref(),
            Some("docs/README.md has no link to docs/guides/new.md: add one")
        );
    }
}
