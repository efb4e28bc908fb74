//! Checks the links of the built site.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::book::links;
use crate::files;

/// What a page links to, and what it can be linked by.
#[derive(Debug, Default)]
struct Page {
    /// Values of `id` attributes.
    ids: BTreeSet<String>,
    /// Targets of `href` and `src` attributes, and whether a browser loads them with the page.
    targets: Vec<(String, bool)>,
    /// Whether the page has another base address than its own.
    has_base: bool,
}

/// Returns broken links and files that a browser would load from another server.
///
/// # Errors
/// Returns an error if a page cannot be read.
pub(super) fn findings(site: &Path) -> Result<Vec<String>> {
    let mut pages = BTreeMap::new();
    let paths: BTreeSet<_> = files::below(site)?.into_iter().collect();
    for path in &paths {
        if path.extension().is_some_and(|name| name == "html") {
            let page = read(&files::text(&site.join(path))?);
            // The page of missing addresses is shown at any address.
            if !page.has_base {
                pages.insert(path.clone(), page);
            }
        }
    }
    let mut findings = Vec::new();
    for (path, page) in &pages {
        for (target, is_loaded) in &page.targets {
            if let Some(problem) = problem(path, target, *is_loaded, &pages, &paths) {
                findings.push(format!("{}: {target} {problem}", path.display()));
            }
        }
    }
    Ok(findings)
}

fn problem(
    path: &Path,
    target: &str,
    is_loaded: bool,
    pages: &BTreeMap<PathBuf, Page>,
    paths: &BTreeSet<PathBuf>,
) -> Option<&'static str> {
    if target.starts_with("data:") || target.starts_with("mailto:") {
        return None;
    }
    if target.contains("://") || target.starts_with("//") {
        return is_loaded.then_some("is loaded from another server: add the file to the site");
    }
    let (file, section) = target.split_once('#').unwrap_or((target, ""));
    let file = if file.is_empty() {
        path.to_path_buf()
    } else {
        links::resolve(path, file)
    };
    if !paths.contains(&file) {
        return Some("does not exist");
    }
    let page = pages.get(&file)?;
    (!section.is_empty() && !page.ids.contains(section)).then_some("has no such section")
}

/// Reads the elements of a page. Scripts are skipped, because they contain parts of elements.
fn read(text: &str) -> Page {
    let mut page = Page::default();
    let mut rest = text;
    while let Some(start) = rest.find('<') {
        rest = rest.split_at(start + 1).1;
        if rest.starts_with("!--") {
            rest = rest.split_once("-->").map_or("", |(_, rest)| rest);
            continue;
        }
        let name_end = rest
            .find(|letter: char| !letter.is_ascii_alphanumeric())
            .unwrap_or(rest.len());
        let (name, attributes) = rest.split_at(name_end);
        rest = read_attributes(attributes, |attribute, value| match attribute {
            "id" => {
                page.ids.insert(unescape(value));
            }
            "href" if name == "base" => page.has_base = true,
            "href" => page.targets.push((unescape(value), name == "link")),
            "src" => page.targets.push((unescape(value), true)),
            _ => {}
        });
        if name == "script" {
            rest = rest.find("</script").map_or("", |end| rest.split_at(end).1);
        }
    }
    page
}

/// Reports the attributes of an element and returns the text after it.
fn read_attributes(text: &str, mut report: impl FnMut(&str, &str)) -> &str {
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches(|letter: char| letter.is_whitespace() || letter == '/');
        if rest.is_empty() || rest.starts_with('>') {
            return rest;
        }
        let end = rest
            .find(|letter: char| letter.is_whitespace() || matches!(letter, '=' | '>'))
            .unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        let Some(value) = after.strip_prefix('=') else {
            // An element of text such as `<=` has no attributes.
            rest = after;
            continue;
        };
        let quote = value
            .chars()
            .next()
            .filter(|letter| matches!(letter, '"' | '\''));
        let (value, after) = match quote {
            Some(quote) => value.split_at(1).1.split_once(quote).unwrap_or((value, "")),
            None => value.split_at(
                value
                    .find(|letter: char| letter.is_whitespace() || letter == '>')
                    .unwrap_or(value.len()),
            ),
        };
        report(name, value);
        rest = after;
    }
}

/// Replaces the references that occur in addresses.
fn unescape(value: &str) -> String {
    value
        .replace("&quot;", "\"")
        .replace("&#39;", "'")
        .replace("&amp;", "&")
        .replace("%20", " ")
}

#[cfg(test)]
mod tests {
    use anyhow::Result;
    use tempfile::TempDir;

    use super::findings;
    use crate::files;

    #[test]
    fn broken_links_and_external_files_are_findings() -> Result<()> {
        let site = TempDir::new()?;
        let page = |path: &str, text: &str| files::write(&site.path().join(path), text);
        page(
            "index.html",
            "<a href=\"a/b.html#part\">x</a> <a href='a/c.html'>x</a> <a href=a/b.html#none>x</a>\n<a href=\"https://example.org\">x</a> <script src=\"https://example.org/x.js\">'<a href=\"no\">'</script>\n<!-- <a href=\"no\"> --> <a href=\"#here\">x</a>",
        )?;
        page(
            "a/b.html",
            "<h2 id=\"part\"></h2> <a href=\"../index.html\">x</a>",
        )?;
        page("404.html", "<base href=\"/\"><a href=\"no.html\">x</a>")?;
        assert_eq!(
            findings(site.path())?,
            [
                "index.html: a/c.html does not exist",
                "index.html: a/b.html#none has no such section",
                "index.html: https://example.org/x.js is loaded from another server: add the file to the site",
                "index.html: #here has no such section",
            ]
        );
        Ok(())
    }
}
