//! Checks that comments, documents, help and messages use plain words.
//!
//! The phrases are in `xtask/style/phrases.txt`, and the allowed exceptions are in `xtask/style/allowed.txt`.

mod passages;
mod phrases;

use std::ffi::OsStr;
use std::path::Path;

use anyhow::{Context as _, Result};

use self::passages::Passage;
use self::phrases::Phrases;
use crate::files;

const ALLOWED: &str = "xtask/style/allowed.txt";
/// The maximum number of exceptions for a single phrase.
const MOST_ALLOWED: usize = 10;

/// A line of the list of exceptions.
struct Allowed {
    line: usize,
    path: String,
    /// `*` for all phrases of the file.
    phrase: String,
    is_used: bool,
}

pub(super) fn findings(root: &Path) -> Result<Vec<String>> {
    let mut allowed = read_allowed(root)?;
    let phrases = Phrases::read();
    let mut findings = Vec::new();
    for path in files::below(root)? {
        let Some(passages) = passages_of(root, &path)? else {
            continue;
        };
        let shown = path.display().to_string();
        for passage in passages {
            for found in phrases.find(&passage.text) {
                if !is_allowed(&mut allowed, &shown, &found.phrase) {
                    let line = passage.line + found.line;
                    findings.push(format!(
                        "{shown}:{line}: \"{}\": better: {}",
                        found.phrase, found.better
                    ));
                }
            }
        }
    }
    findings.extend(unfit(root, &allowed));
    Ok(findings)
}

/// Returns the texts of a file; `None` for a file without such texts.
fn passages_of(root: &Path, path: &Path) -> Result<Option<Vec<Passage>>> {
    let extension = path.extension().and_then(OsStr::to_str);
    let text = || files::text(&root.join(path));
    Ok(Some(match extension {
        Some("md") => passages::of_document(&text()?),
        Some("rs") => passages::of_rust(&text()?, is_test(path)),
        Some("toml" | "py" | "sh" | "yaml" | "yml") => passages::of_lines(&text()?, "#"),
        Some("sql") => passages::of_lines(&text()?, "--"),
        Some("snap") if text()?.contains("Usage:") => passages::of_document(&text()?),
        None if path.starts_with(".ci") => passages::of_lines(&text()?, "#"),
        _ => return Ok(None),
    }))
}

fn is_test(path: &Path) -> bool {
    let is_test = |name: &OsStr| matches!(name.to_str(), Some("tests" | "tests.rs" | "testing"));
    path.iter().any(is_test)
}

fn read_allowed(root: &Path) -> Result<Vec<Allowed>> {
    let path = root.join(ALLOWED);
    if !path.exists() {
        return Ok(Vec::new());
    }
    let text = files::text(&path)?;
    let lines = text.lines().enumerate();
    lines
        .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
        .map(|(index, line)| {
            let parts: Vec<_> = line.split('|').map(str::trim).collect();
            let &[file, phrase, reason] = parts.as_slice() else {
                anyhow::bail!("{ALLOWED}:{}: expected PATH | PHRASE | REASON", index + 1);
            };
            Some(reason)
                .filter(|reason| !reason.is_empty())
                .with_context(|| format!("{ALLOWED}:{}: the reason is missing", index + 1))?;
            Ok(Allowed {
                line: index + 1,
                path: file.to_owned(),
                phrase: phrase.to_lowercase(),
                is_used: false,
            })
        })
        .collect()
}

fn is_allowed(allowed: &mut [Allowed], path: &str, phrase: &str) -> bool {
    let entry = allowed
        .iter_mut()
        .find(|entry| entry.path == path && (entry.phrase == "*" || entry.phrase == phrase));
    entry.is_some_and(|entry| {
        entry.is_used = true;
        true
    })
}

/// Returns the exceptions that match no finding, and those over the limit.
fn unfit(root: &Path, allowed: &[Allowed]) -> Vec<String> {
    let is_unused = |entry: &&Allowed| {
        !entry.is_used && (entry.phrase != "*" || !root.join(&entry.path).exists())
    };
    let unused = allowed.iter().filter(is_unused);
    let mut findings: Vec<_> = unused
        .map(|entry| format!("{ALLOWED}:{}: nothing to allow: remove it", entry.line))
        .collect();
    let single = allowed.iter().filter(|entry| entry.phrase != "*");
    findings.extend(single.skip(MOST_ALLOWED).map(|entry| {
        format!(
            "{ALLOWED}:{}: more than {MOST_ALLOWED} phrases are allowed: reword the text",
            entry.line
        )
    }));
    findings
}
