//! Named `.env` files. Nothing in a value is expanded: a `$` is a `$`.

use std::path::Path;

use super::Layer;
use super::file::read;
use crate::{Env, LoadError, LoadErrorKind, Source};

impl Layer {
    /// Reads a `.env` file that the caller named.
    pub(crate) fn dotenv(path: &Path) -> Result<Self, LoadError> {
        let text = read(path)?;
        let mut pairs = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let pair = parse(line).map_err(|what| {
                // The line may hold a key: only its place is shown.
                LoadError::new(
                    LoadErrorKind::Malformed,
                    format!("{}:{}: {what}", path.display(), index + 1),
                )
            })?;
            pairs.extend(pair);
        }
        Self::variables(&Env::from_pairs(pairs), Source::DotEnv)
    }
}

/// Parses one line: nothing, a comment, or `[export ]NAME=value`.
fn parse(line: &str) -> Result<Option<(String, String)>, &'static str> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return Ok(None);
    }
    let line = line.strip_prefix("export ").unwrap_or(line);
    let (name, value) = line.split_once('=').ok_or("is not NAME=value")?;
    let name = name.trim();
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if name.is_empty() || !name.chars().all(is_name) {
        return Err("has no variable name before the =");
    }
    Ok(Some((name.to_owned(), parse_value(value.trim())?)))
}

/// Parses a value: single quotes keep all, double quotes know escapes, bare text ends at a comment.
fn parse_value(text: &str) -> Result<String, &'static str> {
    const OPEN: &str = "has a quote that is not closed on the same line";
    if text.starts_with("# ") {
        return Ok(String::new());
    }
    let (value, rest) = if let Some(quoted) = text.strip_prefix('\'') {
        let (value, rest) = quoted.split_once('\'').ok_or(OPEN)?;
        (value.to_owned(), rest)
    } else if let Some(quoted) = text.strip_prefix('"') {
        let mut value = String::new();
        let mut letters = quoted.chars();
        loop {
            match letters.next().ok_or(OPEN)? {
                '"' => break,
                '\\' => value.push(match letters.next().ok_or(OPEN)? {
                    'n' => '\n',
                    't' => '\t',
                    other => other,
                }),
                other => value.push(other),
            }
        }
        (value, letters.as_str())
    } else {
        let end = text.find(" #").unwrap_or(text.len());
        return Ok(text[..end].trim_end().to_owned());
    };
    let rest = rest.trim_start();
    if rest.is_empty() || rest.starts_with('#') {
        Ok(value)
    } else {
        Err("has text after the closing quote")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines() {
        let value = |line: &str| parse(line).unwrap().map(|(_, value)| value);
        assert_eq!(value(""), None);
        assert_eq!(value("  # HH_PROJECT=x"), None);
        assert_eq!(value("HH_PROJECT=a b # note").as_deref(), Some("a b"));
        assert_eq!(value("export HH_PROJECT = a#b").as_deref(), Some("a#b"));
        assert_eq!(value("A='$HOME # \\n'").as_deref(), Some("$HOME # \\n"));
        assert_eq!(value("A=\"a\\\"b\\n\" # note").as_deref(), Some("a\"b\n"));
        assert_eq!(value("A=a$HOME").as_deref(), Some("a$HOME"));
        assert_eq!(value("A=").as_deref(), Some(""));
        assert_eq!(value("A= # none yet").as_deref(), Some(""));
        for broken in ["A", "=b", "A B=c", "A='b", "A=\"b", "A='b' c", "A=\"\\"] {
            assert!(parse(broken).is_err(), "{broken}");
        }
    }
}
