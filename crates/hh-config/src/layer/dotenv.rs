//! Reads named `.env` files. Values are not expanded: a `$` is literal.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hh_text::Diagnostic;

use super::variables::{Variables, differ, is_read, urls};
use super::{Layer, MAX_BYTES};
use crate::problems::Problems;
use crate::redact::redacted_path;
use crate::{Env, LoadErrorKind, Location, Problem, Provenance, Source, read};

/// The variables of a `.env` file, with the line and column of each.
pub(crate) struct DotEnv<'a> {
    env: &'a Env,
    path: Arc<Path>,
    variables: BTreeMap<String, (OsString, usize, usize)>,
    problems: Vec<Problem>,
}

impl<'a> DotEnv<'a> {
    /// Reads a `.env` file that the caller named with `named_by`.
    pub(crate) fn read(env: &'a Env, path: &Path, named_by: &Provenance) -> Self {
        let mut file = Self {
            env,
            path: Arc::from(redacted_path(path)),
            variables: BTreeMap::new(),
            problems: Vec::new(),
        };
        match read::text(&env.resolve(path), MAX_BYTES) {
            Ok(text) => file.parse(&text),
            Err(what) => {
                let message = format!(
                    "the .env file {} ({}) {what}",
                    file.path.display(),
                    named_by.place()
                );
                let problem = Problem::new(LoadErrorKind::Unreadable, message);
                file.problems.push(problem);
            }
        }
        file
    }

    fn parse(&mut self, text: &str) {
        let mut problems = Problems::default();
        for (index, line) in text.lines().enumerate() {
            let line_number = index + 1;
            let mut fail = |kind, what: Diagnostic| {
                // The line may contain a key, so only its number is printed.
                let place = format_args!("{}:{line_number}: ", self.path.display());
                problems.push(Problem::new(kind, what.with_prefix(place)));
            };
            match parse(line) {
                Err(what) => fail(LoadErrorKind::Malformed, what.into()),
                Ok(None) => {}
                Ok(Some((name, value, column))) => {
                    let is_known = is_read(name);
                    if let Some((_, first, _)) = self.variables.get(name)
                        && is_known
                    {
                        let what =
                            Diagnostic::new(format!("{name} is set twice, first on line {first}"));
                        fail(LoadErrorKind::Conflict, what.with_hint("remove one"));
                    }
                    let value = (OsString::from(value), line_number, column);
                    self.variables.insert(name.to_owned(), value);
                }
            }
        }
        self.problems = problems.into_list(self.path.display());
    }

    /// Builds the layer of the known variables in the file.
    pub(crate) fn layer(&self) -> Layer {
        let mut layer = Layer::of_variables(self);
        layer.problems.extend(self.problems.iter().cloned());
        layer
    }

    /// Returns the names and values of all variables, for substitution.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (&str, &OsStr)> {
        let pairs = self.variables.iter();
        pairs.map(|(name, (value, ..))| (name.as_str(), value.as_os_str()))
    }
}

impl Variables for DotEnv<'_> {
    const SOURCE: Source = Source::DotEnv;

    fn get(&self, variable: &str) -> Option<(&OsStr, Location)> {
        let (value, line, column) = self.variables.get(variable)?;
        let is_blank = value.to_str().is_some_and(|text| text.trim().is_empty());
        (!is_blank).then(|| {
            let place = Location::File {
                path: Arc::clone(&self.path),
                line: *line,
                column: *column,
            };
            (value.as_os_str(), place)
        })
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        self.variables.keys().map(String::as_str)
    }

    fn path(&self, path: &Path) -> PathBuf {
        self.env.resolve(path)
    }
}

/// Parses a line: nothing, a comment, or `[export ]NAME=value`. Returns the name, the value and the column of the
/// value.
fn parse(line: &str) -> Result<Option<(&str, String, usize)>, &'static str> {
    let text = line.trim();
    if text.is_empty() || text.starts_with('#') {
        return Ok(None);
    }
    let text = match text.strip_prefix("export") {
        Some(rest) if rest.starts_with([' ', '\t']) => rest,
        _ => text,
    };
    let (name, value) = text.split_once('=').ok_or("expected NAME=value")?;
    let name = name.trim();
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if name.is_empty() || !name.chars().all(is_name) {
        return Err("expected the name of a variable before =");
    }
    let value = value.trim();
    let before = &line[..line.len() - line.trim_start().len() + line.trim().len() - value.len()];
    let column = before.chars().count() + 1;
    Ok(Some((name, parse_value(value)?, column)))
}
/// Parses a value: single quotes are literal, double quotes allow escapes, and unquoted text ends at a comment.
fn parse_value(text: &str) -> Result<String, &'static str> {
    const OPEN: &str = "the quote is not closed on the same line";
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
        Err("unexpected text after the closing quote")
    }
}

/// Returns a warning if differently named variables of the environment and of a `.env` file name different servers.
///
/// The same variable in both is no reason for a warning: the environment takes precedence over the file.
pub(crate) fn conflicting_variables(env: &Env, dotenv: &DotEnv<'_>) -> Option<String> {
    let (first, second) = (urls(env).next()?, urls(dotenv).next()?);
    differ(&first, &second).filter(|_| first.0 != second.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines() {
        let value = |line: &str| parse(line).unwrap().map(|(_, value, _)| value);
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
