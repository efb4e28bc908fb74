//! Reads named `.env` files.

mod grammar;

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::sync::Arc;

use hh_text::Diagnostic;
use zeroize::Zeroizing;

use self::grammar::Content;
use super::variables::{Variables, differ, is_own, urls};
use super::{Layer, MAX_BYTES};
use crate::problems::Problems;
use crate::redact::redacted_path;
use crate::{Env, LoadErrorKind, Location, Problem, Provenance, SettingName, Source, named_file};

/// The variables of a `.env` file, with the line and column of each.
pub(crate) struct DotEnv<'a> {
    env: &'a Env,
    path: Arc<Path>,
    variables: BTreeMap<String, (OsString, usize, usize)>,
    problems: Vec<Problem>,
    /// The warnings, each with the name of the variable that the line does not set.
    warnings: Vec<(String, String)>,
    is_read: bool,
}

impl<'a> DotEnv<'a> {
    /// Reads a `.env` file that the caller named with `named_by`.
    pub(crate) fn read(env: &'a Env, path: &Path, named_by: &Provenance) -> Self {
        let mut file = Self {
            env,
            path: Arc::from(redacted_path(path)),
            variables: BTreeMap::new(),
            problems: Vec::new(),
            warnings: Vec::new(),
            is_read: false,
        };
        let bytes = named_file::bytes(env.pipes(), &env.resolve(path), MAX_BYTES);
        match bytes.and_then(|bytes| decode(&bytes)) {
            Ok((text, is_lossy)) => {
                file.is_read = true;
                file.parse(&text, is_lossy);
            }
            Err(what) => {
                let what = what.with_prefix(format_args!(
                    "the .env file {} ({}) ",
                    file.path.display(),
                    named_by.place()
                ));
                let problem = Problem::new(LoadErrorKind::Unreadable, what);
                file.problems.push(problem);
            }
        }
        file
    }

    /// Returns whether the file could be read.
    pub(crate) fn is_read(&self) -> bool {
        self.is_read
    }

    /// Parses the text. In a lossy text, U+FFFD stands for bytes that are not UTF-8.
    fn parse(&mut self, text: &str, is_lossy: bool) {
        let mut problems = Problems::default();
        for statement in grammar::parse(text, is_own) {
            let line = statement.line;
            // The line may contain a key, so only its number is printed.
            let place = format!("{}:{line}: ", self.path.display());
            let mut fail = |kind, what: Diagnostic| {
                problems.push(Problem::new(kind, what.with_prefix(&place)));
            };
            match statement.content {
                Content::Malformed(what) => fail(LoadErrorKind::Malformed, what),
                // One warning for each variable is enough, also for a file with many such lines.
                Content::Ineffective { variable, what } => {
                    if self.warnings.iter().all(|(known, _)| *known != variable) {
                        self.warnings.push((variable, place + &what));
                    }
                }
                Content::Assignment {
                    name,
                    value,
                    column,
                } => {
                    let is_own = is_own(name);
                    if let Some((_, first, _)) = self.variables.get(name)
                        && is_own
                    {
                        let what =
                            Diagnostic::new(format!("{name} is set twice, first on line {first}"));
                        fail(LoadErrorKind::Conflict, what.with_hint("remove one"));
                    }
                    if is_own && is_lossy && value.contains('\u{fffd}') {
                        let what =
                            Diagnostic::new(format!("the value of {name} is not UTF-8 text"));
                        fail(LoadErrorKind::Invalid, what);
                        continue;
                    }
                    let value = (OsString::from(value), line, column);
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
        for (variable, warning) in &self.warnings {
            layer.warnings.push(warning.clone());
            let setting = SettingName::of_variable(variable);
            layer
                .mistakes
                .extend(setting.map(|setting| (setting, warning.clone())));
        }
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

    fn find(&self, variable: &str) -> Option<(&OsStr, Location)> {
        let (value, line, column) = self.variables.get(variable)?;
        let place = Location::File {
            path: Arc::clone(&self.path),
            line: *line,
            column: *column,
        };
        Some((value.as_os_str(), place))
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        self.variables.keys().map(String::as_str)
    }

    fn env(&self) -> &Env {
        self.env
    }
}

/// Decodes the bytes of a file, and returns whether bytes were replaced because they are not UTF-8. Only the lines of
/// other programs may contain such bytes.
fn decode(bytes: &[u8]) -> Result<(Zeroizing<String>, bool), Diagnostic> {
    hh_text::check_encoding(bytes)?;
    let is_lossy = std::str::from_utf8(bytes).is_err();
    let text = Zeroizing::new(String::from_utf8_lossy(bytes).into_owned());
    let text = Zeroizing::new(hh_text::without_bom(&text).to_owned());
    Ok((text, is_lossy))
}

/// Returns a warning if differently named variables of the environment and of a `.env` file name different servers.
///
/// The same variable in both is no reason for a warning: the environment takes precedence over the file.
pub(crate) fn conflicting_variables(env: &Env, dotenv: &DotEnv<'_>) -> Option<String> {
    let (first, second) = (urls(env).next()?, urls(dotenv).next()?);
    differ(&first, &second).filter(|_| first.0 != second.0)
}
