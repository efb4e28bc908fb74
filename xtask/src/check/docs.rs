//! Checks that relative links of documents lead to existing files, and links to tests to existing functions.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::files;

const DOCUMENTS: [&str; 5] = [
    "README.md",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "CHANGELOG.md",
];

pub(super) fn findings(root: &Path) -> Result<Vec<String>> {
    let mut findings = Vec::new();
    for document in documents(root)? {
        let folder = root.join(&document).parent().unwrap_or(root).to_path_buf();
        for link in links(&files::text(&root.join(&document))?) {
            let target = link.path;
            let place = format!("{}:{}", document.display(), link.line);
            // A leading slash means the root of the repository, as on GitHub.
            let path = match target.strip_prefix('/') {
                Some(path) => root.join(path),
                None => folder.join(&target),
            };
            match path.canonicalize() {
                Err(_) => findings.push(format!(
                    "{place}: {target} does not exist: correct the link"
                )),
                Ok(path) if !path.starts_with(root) => {
                    findings.push(format!(
                        "{place}: {target} is outside the repository: link to its address"
                    ));
                }
                Ok(path) => {
                    if let Some(function) = link.function
                        && !files::text(&path)?.contains(&format!("fn {function}("))
                    {
                        findings.push(format!(
                            "{place}: {target} has no function {function}: correct the link"
                        ));
                    }
                }
            }
        }
    }
    Ok(findings)
}

fn documents(root: &Path) -> Result<Vec<PathBuf>> {
    let mut documents: Vec<_> = DOCUMENTS
        .iter()
        .map(PathBuf::from)
        .filter(|document| root.join(document).exists())
        .collect();
    let docs = Path::new("docs");
    if root.join(docs).exists() {
        let files = files::below(&root.join(docs))?.into_iter();
        documents.extend(
            files
                .filter(|file| file.extension().is_some_and(|name| name == "md"))
                .map(|file| docs.join(file)),
        );
    }
    Ok(documents)
}

/// A relative link of a document.
#[derive(Debug, PartialEq)]
pub(crate) struct Link {
    /// The line, starting at 1.
    pub(crate) line: usize,
    /// The path without `#section`.
    pub(crate) path: String,
    /// The section of a link to Rust code: the name of a function.
    pub(crate) function: Option<String>,
}

/// Returns the relative links of a Markdown text outside code.
pub(crate) fn links(text: &str) -> Vec<Link> {
    let mut links = Vec::new();
    let mut fence = None;
    for (index, line) in text.lines().enumerate() {
        let start = line.trim_start();
        let marker = ["```", "~~~"]
            .into_iter()
            .find(|marker| start.starts_with(marker));
        if marker.is_some() && (fence.is_none() || fence == marker) {
            fence = if fence.is_none() { marker } else { None };
        } else if fence.is_none() {
            let prose: String = line.split('`').step_by(2).collect();
            links.extend(
                targets(&prose)
                    .filter_map(relative)
                    .map(|(path, function)| Link {
                        line: index + 1,
                        path,
                        function,
                    }),
            );
        }
    }
    links
}

/// Returns the text after `](`, or after `[name]: ` at the start of a line.
fn targets(line: &str) -> impl Iterator<Item = &str> {
    let definition = line
        .trim_start()
        .strip_prefix('[')
        .filter(|rest| !rest.starts_with('^'));
    let definition = definition
        .and_then(|rest| rest.split_once("]: "))
        .map(|(_, target)| target);
    let inline = line.split("](").skip(1).map(|rest| {
        let mut open = 0_usize;
        let end = rest.find(|letter| match letter {
            '(' => {
                open += 1;
                false
            }
            ')' if open > 0 => {
                open -= 1;
                false
            }
            letter => letter == ')',
        });
        end.map_or(rest, |end| rest.split_at(end).0)
    });
    inline.chain(definition)
}

/// Returns the path in a target and, for Rust code, the function that it names; `None` for an address or a section of
/// the same document.
fn relative(target: &str) -> Option<(String, Option<String>)> {
    let target = target.trim();
    // A title may follow, and a path with spaces is in angle brackets.
    let target = match target.strip_prefix('<') {
        Some(rest) => rest.split('>').next()?,
        None => target.split_whitespace().next()?,
    };
    let (target, section) = match target.split_once('#') {
        Some((target, section)) => (target, Some(section)),
        None => (target, None),
    };
    let path = target.split('?').next().filter(|path| !path.is_empty())?;
    let is_rust = Path::new(path).extension().is_some_and(|name| name == "rs");
    let function = section.filter(|_| is_rust).map(str::to_owned);
    let scheme = path
        .split_once(':')
        .is_some_and(|(scheme, _)| scheme.chars().all(char::is_alphanumeric));
    (!scheme).then(|| (path.replace("%20", " "), function))
}

#[cfg(test)]
mod tests {
    use super::{Link, links};

    fn link(line: usize, path: &str, function: Option<&str>) -> Link {
        Link {
            line,
            path: path.to_owned(),
            function: function.map(str::to_owned),
        }
    }

    #[test]
    fn a_section_of_rust_code_is_a_function() {
        let text = "[test](crates/a/tests/it/keys.rs#revoked_keys_fail) [all](keys.rs)";
        let expected = [
            link(1, "crates/a/tests/it/keys.rs", Some("revoked_keys_fail")),
            link(1, "keys.rs", None),
        ];
        assert_eq!(links(text), expected);
    }

    #[test]
    fn relative_links_are_found_with_their_line() {
        let text = "[a](one.md) and ![b](img/two.png \"Title\")\n\n[`code`](three.md#part) [c](<with space.md>)\n[d]: four.md\n[e](five_(six).md)";
        let expected = [
            (1, "one.md"),
            (1, "img/two.png"),
            (3, "three.md"),
            (3, "with space.md"),
            (4, "four.md"),
            (5, "five_(six).md"),
        ];
        assert_eq!(
            links(text),
            expected.map(|(line, path)| link(line, path, None))
        );
    }

    #[test]
    fn addresses_sections_footnotes_and_code_are_no_links_to_files() {
        let text = "[a](https://example.org/x.md) [b](#part) [c](mailto:a@example.org) `[d](code.md)`\n[^1]: a note\n```\n[e](fenced.md)\n~~~\n```\n";
        assert_eq!(links(text), []);
    }
}
