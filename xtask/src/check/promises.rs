//! Checks that each promise of SECURITY.md and each limit of the server links to the test that shows it.
//!
//! A link to a test is a link to Rust code with the name of the function as its section. The check `docs` verifies that
//! the function exists.

use std::path::Path;

use anyhow::Result;

use super::docs::links;
use crate::files;

/// The documents, with the sections whose entries are promises.
const SECTIONS: [(&str, &str); 2] = [
    ("SECURITY.md", "## What is promised"),
    ("docs/concepts/server-limits.md", "## Limits"),
];

pub(super) fn findings(root: &Path) -> Result<Vec<String>> {
    let mut findings = Vec::new();
    for (document, section) in SECTIONS {
        let path = root.join(document);
        if !path.exists() {
            continue;
        }
        let text = files::text(&path)?;
        for line in without_test(&text, section) {
            findings.push(format!(
                "{document}:{line}: no link to a test: add [test](FILE.rs#FUNCTION)"
            ));
        }
    }
    Ok(findings)
}

/// Returns the first line of each entry without a link to a test in a section.
fn without_test(text: &str, section: &str) -> Vec<usize> {
    let linked: Vec<_> = links(text)
        .into_iter()
        .filter(|link| link.function.is_some())
        .map(|link| link.line)
        .collect();
    let lines: Vec<_> = text.lines().enumerate().collect();
    let body = lines
        .iter()
        .skip_while(|(_, line)| *line != section)
        .skip(1)
        .take_while(|(_, line)| !line.starts_with("## "));
    let mut missing = Vec::new();
    // An entry is a list item with the lines that continue it, or a row of a table below its head.
    let mut open: Option<usize> = None;
    let mut rows = 0;
    for (index, line) in body {
        let number = index + 1;
        let is_row = line.starts_with('|');
        rows = if is_row { rows + 1 } else { 0 };
        if line.starts_with("- ") || rows > 2 {
            missing.extend(open.replace(number));
        } else if !line.starts_with("  ") {
            missing.extend(open.take());
        }
        if open.is_some() && linked.contains(&number) {
            open = None;
        }
    }
    missing.extend(open);
    missing
}

#[cfg(test)]
mod tests {
    use super::without_test;

    #[test]
    fn entries_without_a_link_to_a_test_are_found() {
        let text = "\
# Title
- before the section
## Promises
Text.

- one ([test](a.rs#one))
- two
  goes on ([test](a.rs#two))
- three ([page](a.md#three))
  goes on

| limit | test |
| --- | --- |
| a | [test](a.rs#a) |
| b | |
## Next
- after the section
";
        assert_eq!(without_test(text, "## Promises"), [9, 15]);
    }
}
