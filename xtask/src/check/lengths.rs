//! Checks that code files are short enough to be read at once.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

use crate::files;

const CODE: usize = 500;
/// The limit for tests and generated files, which are rarely read as a whole.
const LONG: usize = 800;
const EXTENSIONS: [&str; 9] = ["css", "html", "js", "proto", "py", "rs", "sh", "sql", "ts"];

pub(super) fn findings(root: &Path) -> Result<Vec<String>> {
    let mut findings = Vec::new();
    for path in files::below(root)? {
        let code = path
            .extension()
            .and_then(OsStr::to_str)
            .is_some_and(|name| EXTENSIONS.contains(&name));
        // A file without extension may be a script.
        if !code && path.extension().is_some() {
            continue;
        }
        let file = root.join(&path);
        let content =
            fs::read(&file).with_context(|| format!("{} cannot be read", file.display()))?;
        if !code && !content.starts_with(b"#!") {
            continue;
        }
        let lines = content.split_inclusive(|byte| *byte == b'\n').count();
        let most = if is_test(&path) || is_generated(&content) {
            LONG
        } else {
            CODE
        };
        if lines > most {
            findings.push(format!(
                "{}: {lines} lines, at most {most}: split it",
                path.display()
            ));
        }
    }
    Ok(findings)
}

fn is_test(path: &Path) -> bool {
    path.ends_with("tests.rs")
        || path
            .parent()
            .is_some_and(|folder| folder.iter().any(|name| name == "tests"))
}

fn is_generated(content: &[u8]) -> bool {
    let first = content
        .split(|byte| *byte == b'\n')
        .next()
        .unwrap_or_default();
    String::from_utf8_lossy(first).contains("@generated")
}
