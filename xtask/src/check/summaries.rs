//! The documentation of a public item begins with one sentence, that of a function in the third person.

use std::path::Path;

use anyhow::Result;

use crate::files;

const FUNCTION: [&str; 3] = ["fn", "async", "unsafe"];
const OTHERS: [&str; 7] = [
    "struct", "enum", "trait", "type", "static", "union", "const",
];

pub(super) fn findings(root: &Path) -> Result<Vec<String>> {
    let mut findings = Vec::new();
    for path in files::below(root)? {
        let is_source = path.extension().is_some_and(|extension| extension == "rs")
            && path.starts_with("crates")
            && path.iter().any(|name| name == "src");
        if is_source {
            let text = files::text(&root.join(&path))?;
            let all = violations(&text).into_iter();
            findings.extend(all.map(|(line, what)| format!("{}:{line}: {what}", path.display())));
        }
    }
    Ok(findings)
}

/// Returns the first line of each summary that breaks a rule, with the rule.
fn violations(text: &str) -> Vec<(usize, String)> {
    let lines: Vec<_> = text.lines().map(str::trim).collect();
    let mut found = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        if !lines[at].starts_with("///") {
            at += 1;
            continue;
        }
        let start = at;
        while lines.get(at).is_some_and(|line| line.starts_with("///")) {
            at += 1;
        }
        let comment = &lines[start..at];
        at = after_attributes(&lines, at);
        if let Some(is_function) = lines.get(at).and_then(|line| is_public_function(line))
            && let Some(what) = violation(&summary(comment), is_function)
        {
            found.push((start + 1, what));
        }
    }
    found
}

/// Returns the line after attributes and plain comments that begin at a line.
fn after_attributes(lines: &[&str], start: usize) -> usize {
    let mut at = start;
    let mut open = 0_usize;
    while let Some(line) = lines.get(at) {
        if open == 0 && !line.starts_with("#[") && !line.starts_with("//") {
            break;
        }
        if !line.starts_with("//") {
            open += line.matches('[').count();
            open = open.saturating_sub(line.matches(']').count());
        }
        at += 1;
    }
    at
}

/// Returns whether the line defines a public function; `None` if it defines nothing public.
fn is_public_function(line: &str) -> Option<bool> {
    let mut words = line.strip_prefix("pub ")?.split([' ', '<', '(']);
    let first = words.next()?;
    let is_function = FUNCTION.contains(&first) || (first == "const" && words.next() == Some("fn"));
    (is_function || OTHERS.contains(&first)).then_some(is_function)
}

/// Returns the first paragraph of a comment as one line.
fn summary(comment: &[&str]) -> String {
    let lines = comment
        .iter()
        .map(|line| line.trim_start_matches('/').trim())
        .take_while(|line| !line.is_empty());
    lines.collect::<Vec<_>>().join(" ")
}

fn violation(summary: &str, is_function: bool) -> Option<String> {
    let first = summary.split_whitespace().next().unwrap_or_default();
    let is_verb = first.ends_with('s') && first.starts_with(char::is_uppercase);
    if is_function && !is_verb {
        return Some(format!(
            "\"{first}\" is not a verb in the third person: begin with \"Returns\", \"Creates\" ..."
        ));
    }
    if !is_function && first.starts_with(char::is_lowercase) {
        return Some(format!("\"{first}\" begins a sentence in lower case"));
    }
    (!summary.ends_with('.')).then(|| "the first sentence does not end with a period".to_owned())
}

#[cfg(test)]
mod tests {
    use super::violations;

    #[test]
    fn functions_begin_with_a_verb_and_every_summary_ends_with_a_period() {
        let code = "\
/// Returns the key.
///
/// more
pub fn key() {}
/// The key
#[must_use = \"a\"]
#[expect(
    dead_code,
    reason = \"b\"
)]
pub const fn other<T>() {}
/// A key,
/// in two lines
pub struct Key;
/// a key.
pub enum Kind {
    /// no sentence
    Plain,
}
/// The limit.
pub const LIMIT: u8 = 1;
/// what only the crate has
pub(crate) fn hidden() {}
";
        let found = violations(code);
        let lines: Vec<_> = found.iter().map(|(line, _)| *line).collect();
        assert_eq!(lines, [5, 12, 15], "{found:?}");
    }
}
