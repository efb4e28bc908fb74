//! Checks the links of generated pages.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::files;

/// A page that is not checked: it sets another base address.
const NOT_FOUND: &str = "404.html";

/// A page with all others in it, whose links are those of the others.
const PRINT: &str = "print.html";

/// The links and the anchors of a page.
struct Page {
    links: BTreeSet<String>,
    anchors: BTreeSet<String>,
}

/// Returns a finding for each link that leads to no file or to no anchor, and for each resource of another server.
pub(super) fn findings(folder: &Path) -> Result<Vec<String>> {
    let files: BTreeSet<PathBuf> = files::below(folder)?.into_iter().collect();
    let mut pages = BTreeMap::new();
    for file in &files {
        let is_page = file.extension().is_some_and(|name| name == "html");
        if is_page && !file.ends_with(NOT_FOUND) && !file.ends_with(PRINT) {
            pages.insert(file.clone(), parse(&files::text(&folder.join(file))?));
        }
    }
    let mut findings = Vec::new();
    for (file, page) in &pages {
        let own = file.parent().unwrap_or(Path::new(""));
        for link in &page.links {
            let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = if path.is_empty() {
                file.clone()
            } else {
                resolve(own, path)
            };
            let place = file.display();
            if !files.contains(&target) {
                findings.push(format!("{place}: {link} leads to no file"));
            } else if !anchor.is_empty()
                && pages
                    .get(&target)
                    .is_some_and(|target| !target.anchors.contains(anchor))
            {
                findings.push(format!("{place}: {link} leads to no heading"));
            }
        }
    }
    Ok(findings)
}

/// Reads the attributes of all tags. Generated pages quote the values of attributes.
fn parse(html: &str) -> Page {
    let values = |name: &str| {
        let start = format!(" {name}=\"");
        html.split(&start)
            .skip(1)
            .filter_map(|rest| Some(rest.split_once('"')?.0.replace("&amp;", "&")))
            .collect::<Vec<_>>()
    };
    let is_relative = |link: &String| !link.is_empty() && !link.contains(':') && *link != "#";
    let links = [values("href"), values("src")].concat();
    Page {
        links: links.into_iter().filter(is_relative).collect(),
        anchors: values("id").into_iter().collect(),
    }
}

/// Resolves a relative link of a page in a directory. A link to a directory leads to its index.
fn resolve(folder: &Path, link: &str) -> PathBuf {
    let path = link.split('?').next().unwrap_or(link);
    let mut result = folder.to_path_buf();
    for part in path.split('/') {
        match part {
            ".." => {
                result.pop();
            }
            "." | "" => {}
            name => result.push(name),
        }
    }
    if path.ends_with('/') || result.as_os_str().is_empty() {
        result.push("index.html");
    }
    result
}

#[cfg(test)]
mod tests {
    use super::findings;
    use crate::files;

    #[test]
    fn links_lead_to_files_and_headings() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| files::write(&folder.path().join(name), text).unwrap();
        write(
            "index.html",
            r#"<a href="a/b.html#one">1</a> <a href="a/b.html#two">2</a> <a href="https://example.org/x">3</a> <a href="none.html">4</a>"#,
        );
        write(
            "a/b.html",
            r##"<h2 id="one"><a href="#one">One</a></h2> <a href="../index.html">Index</a> <img src="c.png"> <a href="./">Start</a>"##,
        );
        assert_eq!(
            findings(folder.path()).unwrap(),
            [
                "a/b.html: ./ leads to no file",
                "a/b.html: c.png leads to no file",
                "index.html: a/b.html#two leads to no heading",
                "index.html: none.html leads to no file",
            ]
        );
    }
}
