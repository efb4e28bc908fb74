//! Copies the pages of `docs`, and writes the table of contents of the site.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use crate::check::docs;
use crate::files;

/// The page that lists all others.
const INDEX: &str = "README.md";

/// Copies all files of `docs`. Links to files outside of `docs` lead to the repository.
pub(super) fn write(root: &Path, folder: &Path, repository: &str) -> Result<()> {
    let source = root.join("docs");
    let mut pages = BTreeSet::new();
    for file in files::below(&source)? {
        let to = folder.join(&file);
        if file.extension().is_some_and(|name| name == "md") {
            let text = files::text(&source.join(&file))?;
            files::write(&to, &with_absolute_links(&text, &file, repository)?)?;
            pages.insert(file.to_string_lossy().into_owned());
        } else {
            let bytes = fs::read(source.join(&file))
                .with_context(|| format!("cannot read {}", file.display()))?;
            files::write(&to, &String::from_utf8_lossy(&bytes))?;
        }
    }
    let contents = contents(&files::text(&source.join(INDEX))?);
    let missing: Vec<_> = pages
        .iter()
        .filter(|page| *page != INDEX && !contents.contains(&format!("({page})")))
        .cloned()
        .collect();
    if !missing.is_empty() {
        bail!(
            "docs/{INDEX} does not list {}: add them",
            missing.join(", ")
        );
    }
    files::write(&folder.join("SUMMARY.md"), &contents)
}

/// Returns the table of contents: the sections of the index with their links to pages.
fn contents(index: &str) -> String {
    let mut contents = format!("# Contents\n\n[Introduction]({INDEX})\n");
    for line in index.lines() {
        if let Some(section) = line.strip_prefix("## ") {
            // Writing to a string cannot fail.
            let _infallible = write!(contents, "\n# {section}\n\n");
        }
        for (title, target) in links(line) {
            let is_page = Path::new(target)
                .extension()
                .is_some_and(|name| name == "md");
            if is_page && !target.starts_with("../") && !target.contains(':') {
                // A page is listed once, although the text can link to it again.
                if !contents.contains(&format!("({target})")) {
                    let _infallible = writeln!(contents, "- [{title}]({target})");
                }
            }
        }
    }
    contents
}

/// Returns the titles and targets of the links of a line.
fn links(line: &str) -> impl Iterator<Item = (&str, &str)> {
    line.split("](")
        .zip(line.split("](").skip(1))
        .filter_map(|(before, after)| {
            let (_, title) = before.rsplit_once('[')?;
            let (target, _) = after.split_once(')')?;
            Some((title, target))
        })
}

/// Replaces links to files outside of `docs` with addresses in the repository.
fn with_absolute_links(text: &str, page: &Path, repository: &str) -> Result<String> {
    let folder = Path::new("docs").join(page.parent().unwrap_or(Path::new("")));
    let mut result = text.to_owned();
    let targets: BTreeSet<_> = docs::links(text)
        .into_iter()
        .map(|link| link.path)
        .collect();
    for target in targets {
        let path = normalized(&folder.join(&target)).with_context(|| {
            format!(
                "docs/{}: {target} is outside the repository",
                page.display()
            )
        })?;
        if !path.starts_with("docs") {
            let address = format!("{repository}/blob/main/{}", path.display());
            for before in ["](", "]: "] {
                result =
                    result.replace(&format!("{before}{target}"), &format!("{before}{address}"));
            }
        }
    }
    Ok(result)
}

/// Resolves `..` in a relative path. Returns `None` if the path leaves the root.
fn normalized(path: &Path) -> Option<PathBuf> {
    let mut result = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                if !result.pop() {
                    return None;
                }
            }
            Component::Normal(name) => result.push(name),
            Component::CurDir | Component::RootDir | Component::Prefix(_) => {}
        }
    }
    Some(result)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{contents, with_absolute_links};

    #[test]
    fn the_contents_have_the_sections_and_the_pages_of_the_index() {
        let index = "# Docs\n\n## Guides\n\n| [Log in](guides/log-in.md) | Use [keys](guides/keys.md). |\n| [Keys](guides/keys.md) |\n\n## Other\n\n[Contributing](../CONTRIBUTING.md), [rules](rules/a.toml)\n";
        assert_eq!(
            contents(index),
            "# Contents\n\n[Introduction](README.md)\n\n# Guides\n\n- [Log in](guides/log-in.md)\n- [keys](guides/keys.md)\n\n# Other\n\n"
        );
    }

    #[test]
    fn links_that_leave_the_docs_lead_to_the_repository() {
        let text = "[a](../../SECURITY.md) [b](log-in.md#keys) [c](../concepts/trust.md) [d](https://example.org)\n[e]: ../../crates/a.rs#f\n";
        let result = with_absolute_links(text, Path::new("guides/a.md"), "https://example.org/r");
        assert_eq!(
            result.unwrap(),
            "[a](https://example.org/r/blob/main/SECURITY.md) [b](log-in.md#keys) [c](../concepts/trust.md) [d](https://example.org)\n[e]: https://example.org/r/blob/main/crates/a.rs#f\n"
        );
        assert!(with_absolute_links("[a](../../../b.md)", Path::new("guides/a.md"), "").is_err());
    }
}
