//! Converts the names and values of configuration files into settings, with substitution and trust checks.

mod guard;
mod raw;
mod reader;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use hh_text::Diagnostic;
use secrecy::SecretString;

use super::Layer;
use super::named::{Named, unknown};
use crate::format::{self, Format, Lines, Located, Node, Pair};
use crate::problems::Problems;
use crate::redact::redacted_path;
use crate::{
    Kind, LoadErrorKind, Location, Placement, Problem, Provenance, SettingName, Source,
    SubstituteError, Via, names, secret_file, substitute, value,
};

use raw::{Expander, raw};
use reader::Reader;
pub(crate) use reader::{ConfigFile, Guard};

/// The maximum size of a configuration file, in bytes. Such files are small; the limit rejects wrong files.
pub(crate) const MAX_BYTES: u64 = 1024 * 1024;

/// The layer of a file, and those of its `environments`.
pub(crate) struct FileLayers {
    pub(crate) layer: Layer,
    pub(crate) environments: BTreeMap<String, Layer>,
}

/// Returns whether a name in a file sets this setting, directly or by a secret file.
pub(crate) fn is_name_of(name: &str, setting: SettingName) -> bool {
    Named::find(name).is_some_and(|named| named.setting() == setting)
}

impl ConfigFile<'_> {
    /// Reads the whole file. The layer contains all problems of the file.
    pub(crate) fn layers(&self) -> FileLayers {
        let mut reader = Reader {
            file: self,
            path: Arc::from(redacted_path(self.path)),
            lines: Lines::new(self.text),
            problems: Problems::default(),
            environments: BTreeMap::new(),
        };
        let mut layer = match reader.pairs() {
            Ok(pairs) => reader.layer(pairs, self.source, true),
            Err(problem) => {
                reader.problems.push(problem);
                reader.new_layer(self.source)
            }
        };
        layer.problems = reader.problems.into_list(reader.path.display());
        FileLayers {
            layer,
            environments: reader.environments,
        }
    }
}

impl Reader<'_> {
    fn pairs(&self) -> Result<Vec<Pair>, Problem> {
        let path = self.path.display();
        let Some(format) = Format::of(self.file.path) else {
            let what = Diagnostic::new(format!("{path} has an unknown format"))
                .with_hint("use the extension .yaml, .yml, .json or .toml");
            return Err(Problem::new(LoadErrorKind::Unreadable, what));
        };
        format::parse(format, self.file.text).map_err(|error| {
            if let (Some(at), Some(first)) = (error.at, &error.twice)
                && let Some(named) = Named::find(&first.value)
            {
                let provenance = Provenance::new(self.file.source, Some(self.place(at)));
                let line = self.lines.of(first.span.start).0;
                return conflict(
                    named.setting(),
                    &provenance,
                    &first.value,
                    line,
                    &first.value,
                );
            }
            let place = error.at.map_or(String::new(), |at| {
                let (line, column) = self.lines.of(at);
                format!(":{line}:{column}")
            });
            let what = error.diagnostic(format_args!("{path}{place}"));
            Problem::new(LoadErrorKind::Malformed, what)
        })
    }

    fn new_layer(&self, source: Source) -> Layer {
        let mut layer = Layer::new(source);
        layer.is_project_file = self.file.guard != Guard::Named;
        layer
    }

    fn layer(&mut self, pairs: Vec<Pair>, source: Source, is_top: bool) -> Layer {
        let mut layer = self.new_layer(source);
        let mut seen = BTreeMap::new();
        for Pair { name, value } in pairs {
            // Editors read this name, which is the address of the schema.
            if is_top && name.value == "$schema" {
                continue;
            }
            let named = Named::find(&name.value);
            let is_environments = name.value == "environments" && is_top;
            let is_mistake = match named {
                Some(named) => seen.contains_key(named.setting().as_str()),
                None => !is_environments,
            };
            // A file with many mistakes would take long if each had a location and a message.
            if is_mistake && self.problems.is_full() {
                self.problems.count();
                continue;
            }
            if let Some(named) = named
                && value.value.is_blank()
            {
                let place = Provenance::new(source, Some(self.place(value.span.start)));
                layer.add_empty(named.setting(), place);
                continue;
            }
            let provenance = Provenance::new(source, Some(self.place(name.span.start)));
            if is_environments {
                self.environments(value, &provenance, &mut seen);
                continue;
            }
            let Some(named) = named else {
                let what = unknown(&name.value, " in a file")
                    .with_prefix(format_args!("{}: ", provenance.place()));
                self.problems
                    .push(Problem::new(LoadErrorKind::Conflict, what).at(provenance));
                continue;
            };
            let setting = named.setting();
            if let Some((first, line)) =
                seen.insert(setting.as_str(), (name.value.clone(), line_of(&provenance)))
            {
                let problem = conflict(setting, &provenance, &first, line, &name.value);
                self.problems.push(problem);
                continue;
            }
            // Messages name the location of the value, not of the name.
            let provenance = Provenance::new(source, Some(self.place(value.span.start)));
            if setting.spec().place == Placement::OutsideFiles {
                let variable = setting.spec().variables[0];
                let what =
                    Diagnostic::new(format!("{setting} cannot be set in a configuration file"));
                let what = what.with_hint(format!("remove it and set {variable} instead"));
                self.problem(LoadErrorKind::Conflict, what, setting, &provenance);
                continue;
            }
            if setting.spec().place == Placement::OwnFiles
                && !self.check_is_own(setting, &provenance)
            {
                continue;
            }
            let found = match named {
                Named::Setting(_) => self.setting(setting, value.value, &provenance),
                Named::SecretFile(_) => {
                    self.secret_file(setting, &name.value, value.value, &provenance)
                }
            };
            if let Some((raw, provenance)) = found {
                let raw = raw.map_err(|problem| problem.of(setting, provenance.clone()));
                layer.insert(setting, raw, provenance);
            }
        }
        let key = seen.get(names::API_KEY.as_str());
        self.check_single_key(&layer, key.map_or("api_key", |(name, _)| name));
        layer
    }

    /// Reports a problem if a file sets both an API key and `credential_command` (see `docs/design/decisions.md#p1`).
    fn check_single_key(&mut self, layer: &Layer, name: &str) {
        if let (Some(key), Some(command)) = (
            layer.get(names::API_KEY),
            layer.get(names::CREDENTIAL_COMMAND),
        ) {
            let what = Diagnostic::new(format!(
                "{name} and credential_command (line {}) are both set",
                line_of(&command.provenance)
            ));
            let provenance = key.provenance.clone();
            self.problem(
                LoadErrorKind::Conflict,
                what.with_hint("remove one"),
                names::API_KEY,
                &provenance,
            );
        }
    }

    fn environments(
        &mut self,
        value: Located<Node>,
        provenance: &Provenance,
        seen: &mut BTreeMap<&'static str, (String, usize)>,
    ) {
        let fail = |what: Diagnostic| {
            let what = what.with_prefix(format_args!("{}: environments ", provenance.place()));
            Problem::new(LoadErrorKind::Conflict, what)
        };
        let name = "environments".to_owned();
        if let Some((_, line)) = seen.insert("environments", (name, line_of(provenance))) {
            let what = Diagnostic::new(format!("is set twice, first on line {line}"));
            self.problems.push(fail(what.with_hint("merge them")));
            return;
        }
        let can_have = matches!(self.file.source, Source::Project | Source::Named);
        let Node::Table(pairs) = value.value else {
            let what = "must be a table that contains a table of settings for each environment";
            self.problems.push(fail(what.into()));
            return;
        };
        if !can_have {
            let what = Diagnostic::new(
                "is allowed only in a project file or a file specified with --config-file or HH_CONFIG_FILE",
            );
            self.problems
                .push(fail(what.with_hint("move it to such a file")));
            return;
        }
        for Pair { name, value } in pairs {
            let is_chosen = self.file.environment == Some(name.value.as_str());
            if self.problems.is_full() && !is_chosen {
                self.problems.count();
                continue;
            }
            let what = if let Node::Null = value.value {
                continue;
            } else if let Node::Table(pairs) = value.value {
                if !self.environments.contains_key(&name.value) {
                    let layer = self.environment(pairs);
                    self.environments.insert(name.value, layer);
                    continue;
                }
                Diagnostic::new("the environment is defined twice").with_hint("merge them")
            } else {
                Diagnostic::new("the environment must be a table of settings")
            };
            let at = Provenance::new(Source::Overlay, Some(self.place(name.span.start)));
            let what = what.with_prefix(format_args!("{}: ", at.place()));
            self.problems
                .push(Problem::new(LoadErrorKind::Conflict, what).at(at));
        }
    }

    /// Returns the layer of one environment. Its `Untrusted` problems are reported only if it is selected, all others
    /// always.
    fn environment(&mut self, pairs: Vec<Pair>) -> Layer {
        let outer = std::mem::take(&mut self.problems);
        let mut layer = self.layer(pairs, Source::Overlay, false);
        let own = std::mem::replace(&mut self.problems, outer);
        let is_untrusted = |problem: &Problem| problem.kind() == LoadErrorKind::Untrusted;
        layer.problems = self.problems.extend_except(own, is_untrusted);
        layer
    }

    /// Returns the raw text of a setting or its problem. Returns `None` if the setting counts as unset or if its
    /// problem is already in the list.
    fn setting(
        &mut self,
        setting: SettingName,
        node: Node,
        provenance: &Provenance,
    ) -> Option<(Result<SecretString, Problem>, Provenance)> {
        let raw = match raw(setting, node) {
            Ok(raw) => raw?,
            Err(what) => {
                let what = what.with_prefix(format_args!("invalid value for {setting}: "));
                self.problem(LoadErrorKind::Invalid, what, setting, provenance);
                return None;
            }
        };
        let mut put = Expander {
            env: self.file.env,
            variables: Vec::new(),
        };
        let done = raw.put(&mut put);
        let variables = put.variables;
        let via = variables.iter().cloned().map(Via::Substituted);
        let provenance = via.fold(provenance.clone(), Provenance::with_via);
        if !self.check_use(setting, &variables, &provenance) {
            return None;
        }
        let text = match done {
            Ok(text) => text,
            Err(error) => {
                let what = redact_message(error).diagnostic();
                let what = what.with_prefix(format_args!(
                    "{}: invalid value for {setting}: ",
                    provenance.place()
                ));
                return Some((Err(Problem::new(LoadErrorKind::Invalid, what)), provenance));
            }
        };
        if text.trim().is_empty() || !self.check_may_set(setting, &text, &provenance) {
            return None;
        }
        Some((Ok(SecretString::from(text.as_str())), provenance))
    }

    /// Reads the secret file that a `name_file` entry names.
    fn secret_file(
        &mut self,
        setting: SettingName,
        name: &str,
        node: Node,
        provenance: &Provenance,
    ) -> Option<(Result<SecretString, Problem>, Provenance)> {
        if self.file.guard == Guard::Untrusted {
            self.untrusted(&format!("set {name}"), setting, provenance);
            return None;
        }
        let text = match node {
            Node::Null => return None,
            Node::Text(text) if text.trim().is_empty() => return None,
            Node::Text(text) => text,
            Node::Boolean(_) | Node::Number(_) | Node::List(_) | Node::Table(_) | Node::Other => {
                let message = format!("invalid value for {name}: expected a path");
                self.problem(LoadErrorKind::Invalid, message, setting, provenance);
                return None;
            }
        };
        let done = match substitute(&text, self.file.env) {
            Ok(done) if done.variables.iter().any(|v| substitute::is_secret(v)) => {
                let what =
                    Diagnostic::new(format!("{name} uses a variable that contains a secret"));
                let what = what.with_hint("use another variable");
                self.problem(LoadErrorKind::Invalid, what, setting, provenance);
                return None;
            }
            Ok(done) => done,
            Err(error) => {
                let what = redact_message(error).diagnostic();
                let what = what.with_prefix(format_args!(
                    "{}: invalid value for {name}: ",
                    provenance.place()
                ));
                let problem = Problem::new(LoadErrorKind::Invalid, what);
                return Some((Err(problem), provenance.clone()));
            }
        };
        let via = done.variables.into_iter().map(Via::Substituted);
        let provenance = via.fold(provenance.clone(), Provenance::with_via);
        let path = Path::new(done.text.trim());
        let file = self.file.folder.join(path);
        let is_key = value::check_name(Kind::Path, &path.to_string_lossy()).is_err();
        let path = redacted_path(path);
        let place = provenance.place();
        let raw = secret_file::read(self.file.env, &file).map_err(|what| {
            let what = if is_key {
                Diagnostic::new(format!(
                    "{place}: {name} contains an API key instead of the path of a file"
                ))
                .with_hint(format!("set {setting} to the key instead"))
            } else {
                what.with_prefix(format_args!(
                    "{place}: {name} names {}, which ",
                    path.display()
                ))
            };
            Problem::new(LoadErrorKind::Unreadable, what)
        });
        Some((raw, provenance.with_via(Via::SecretFile(path))))
    }
}

fn conflict(
    setting: SettingName,
    provenance: &Provenance,
    first: &str,
    line: usize,
    second: &str,
) -> Problem {
    let names = if first == second {
        String::new()
    } else {
        format!(" as {first}")
    };
    let message = format!(
        "{}: {second} is set twice, first on line {line}{names}",
        provenance.place()
    );
    let what = Diagnostic::new(message).with_hint("remove one");
    Problem::new(LoadErrorKind::Conflict, what).of(setting, provenance.clone())
}

fn line_of(provenance: &Provenance) -> usize {
    match provenance.location() {
        Some(Location::File { line, .. }) => *line,
        _ => 0,
    }
}

/// Replaces an error with a custom message that may contain a key.
fn redact_message(error: SubstituteError) -> SubstituteError {
    match &error {
        SubstituteError::Message(variable, text) if text.contains("hh_") => {
            SubstituteError::Unset(variable.clone())
        }
        SubstituteError::Unset(_)
        | SubstituteError::Message(..)
        | SubstituteError::Malformed
        | SubstituteError::NotUtf8(_)
        | SubstituteError::TooLong => error,
    }
}
