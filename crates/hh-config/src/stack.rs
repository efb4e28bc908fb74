//! Defines the stack of all layers, which returns the value in effect and the values that it shadows.

use std::collections::BTreeMap;
use std::sync::Arc;

use secrecy::SecretString;

use crate::layer::{Entry, Layer, exposed};
use crate::{
    Consumer, Kind, LoadError, LoadErrorKind, Location, Problem, Provenance, SETTINGS, SettingName,
    Source, Sourced, Via, value,
};

/// All layers in order of precedence, including the values that are shadowed.
#[derive(Clone, Debug, Default)]
pub struct Stack {
    layers: Vec<Layer>,
    problems: Vec<Problem>,
    warnings: Vec<String>,
    #[cfg(feature = "files")]
    pub(crate) files: Vec<crate::DiscoveredFile>,
}

/// A value that one source sets for a setting. It is in effect or shadowed.
#[derive(Clone, Copy)]
pub struct Candidate<'a> {
    entry: &'a Entry,
}

impl<'a> Candidate<'a> {
    /// Returns the provenance of the value.
    #[must_use]
    pub fn provenance(&self) -> &'a Provenance {
        &self.entry.provenance
    }

    /// Returns the raw text, after substitution.
    ///
    /// # Errors
    /// Returns the [`Problem`] that prevents a text. It is `Invalid` for a value that cannot be expanded or is not
    /// UTF-8, and `Unreadable` for a secret file that cannot be read.
    pub fn raw(&self) -> Result<&'a SecretString, &'a Problem> {
        self.entry.raw.as_ref()
    }
}

impl std::fmt::Debug for Candidate<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_tuple("Candidate")
            .field(&self.entry.provenance)
            .finish()
    }
}

/// All values that the sources set for one setting.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Candidates<'a> {
    /// The candidate in effect, or `None` if only the default applies.
    pub winner: Option<Candidate<'a>>,
    /// The shadowed candidates, in order of precedence.
    pub shadowed: Vec<Candidate<'a>>,
}

impl Stack {
    /// Creates an empty stack.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a layer at the position of its source.
    #[must_use]
    pub fn with(mut self, layer: Layer) -> Self {
        self.push(layer);
        self
    }

    pub(crate) fn push(&mut self, layer: Layer) {
        let at = self
            .layers
            .partition_point(|other| other.source() > layer.source());
        self.layers.insert(at, layer);
    }

    pub(crate) fn add_problems(&mut self, problems: impl IntoIterator<Item = Problem>) {
        self.problems.extend(problems);
    }

    #[cfg(feature = "files")]
    pub(crate) fn add_warning(&mut self, warning: String) {
        self.warnings.push(warning);
    }

    /// Returns the layers, highest precedence first.
    #[must_use]
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// Returns the candidate in effect and the shadowed candidates of a setting.
    #[must_use]
    pub fn candidates(&self, name: SettingName) -> Candidates<'_> {
        let mut found = self
            .layers
            .iter()
            .flat_map(|layer| layer.places(name))
            .map(|entry| Candidate { entry });
        Candidates {
            winner: found.next(),
            shadowed: found.collect(),
        }
    }

    /// Returns all problems: those of files and names, and those of the values in effect.
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = self.problems_of_places();
        let values = SettingName::all().filter_map(|name| self.problem_of_value(name));
        problems.extend(values);
        sort_by_line(problems)
    }

    /// Returns the problem of the value in effect; a default has none.
    pub(crate) fn problem_of_value(&self, name: SettingName) -> Option<Problem> {
        self.candidates(name).winner?;
        self.value(name).err()
    }

    /// Returns the problems of files and names, which do not depend on the values in effect.
    pub(crate) fn problems_of_places(&self) -> Vec<Problem> {
        let layers = self.layers.iter().flat_map(Layer::problems);
        self.problems.iter().chain(layers).cloned().collect()
    }

    /// Removes the warnings about the name of a variable, for a caller that explains this variable itself.
    #[must_use]
    pub fn with_accepted_name(mut self, variable: &str) -> Self {
        for layer in &mut self.layers {
            layer.accept_name(variable);
        }
        self
    }

    /// Returns the warnings for the user, one line each.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = self.warnings.clone();
        let layers = self.layers.iter().flat_map(Layer::warnings);
        warnings.extend(layers.cloned());
        for (name, reason) in self.layers.iter().flat_map(Layer::unsupported_names) {
            warnings.push(format!("{name} has no effect: {reason}"));
        }
        for (unknown, near) in self.layers.iter().flat_map(Layer::unknown_names) {
            if !self.is_substituted(unknown) {
                warnings.push(misspelled(unknown, near));
            }
        }
        for (name, declared) in SettingName::all().zip(SETTINGS) {
            let Some(found) = self.candidates(name).winner else {
                continue;
            };
            if declared.acts_on == Consumer::Server {
                warnings.push(format!(
                    "{name} from {} has no effect: only the server can enforce this list",
                    found.provenance()
                ));
            } else if declared.is_planned() && !is_default(name, found) && !found.entry.is_shared {
                warnings.push(without_effect(name, found));
            }
            let source = found.provenance().source();
            let is_from_working_dir = self.layers.iter().any(|layer| {
                layer.is_project_file() && layer.source() == source && layer.get(name).is_some()
            });
            if declared.secret && is_from_working_dir {
                let is_written_there = found.provenance().via().is_empty();
                let advice = if is_written_there {
                    "; keep that file out of version control"
                } else {
                    ""
                };
                warnings.push(format!("{name} comes from {}{advice}", found.provenance()));
            }
        }
        warnings
    }

    /// Returns the warnings about variables of other programs that only a tracer would use, such as
    /// `OTEL_EXPORTER_OTLP_PROTOCOL`, one line each.
    #[must_use]
    pub fn tracer_warnings(&self) -> Vec<String> {
        let ignored = self.layers.iter().flat_map(Layer::shared_warnings);
        let mut warnings: Vec<_> = ignored.cloned().collect();
        for (name, declared) in SettingName::all().zip(SETTINGS) {
            let found = self.candidates(name).winner;
            let found = found.filter(|found| found.entry.is_shared && !is_default(name, *found));
            if let Some(found) = found.filter(|_| declared.is_planned()) {
                warnings.push(without_effect(name, found));
            }
        }
        warnings
    }

    /// Returns where a secret setting is set to an empty value, which counts as unset, in order of precedence.
    pub fn empty_places(&self, name: SettingName) -> impl Iterator<Item = &Provenance> {
        let layers = self.layers.iter();
        layers.flat_map(move |layer| layer.empty_places(name))
    }

    /// Returns the probable reasons why a setting is not set, one line each, such as a variable with a similar name.
    #[must_use]
    pub fn mistakes(&self, name: SettingName) -> Vec<String> {
        let layers = || self.layers.iter();
        let mut mistakes: Vec<String> = layers()
            .flat_map(Layer::unknown_names)
            .filter(|(unknown, near)| {
                SettingName::of_variable(near) == Some(name) && !self.is_substituted(unknown)
            })
            .map(|(unknown, near)| misspelled(unknown, near))
            .collect();
        for mistake in layers().flat_map(|layer| layer.mistakes(name)) {
            if !mistakes.iter().any(|known| known == mistake) {
                mistakes.push(mistake.to_owned());
            }
        }
        mistakes
    }

    /// Returns whether a configuration file uses a variable.
    fn is_substituted(&self, variable: &str) -> bool {
        let entries = self.layers.iter().flat_map(Layer::entries);
        entries
            .flat_map(|entry| entry.provenance.via())
            .any(|via| matches!(via, Via::Substituted(name) if name == variable))
    }

    /// Returns the raw text in effect of a setting, or its default.
    ///
    /// # Errors
    /// The [`Problem`] of the source in effect.
    pub(crate) fn winner(
        &self,
        name: SettingName,
    ) -> Result<Option<Sourced<SecretString>>, Problem> {
        match self.candidates(name).winner {
            Some(Candidate { entry }) => match &entry.raw {
                Ok(raw) => Ok(Some(Sourced::new(raw.clone(), entry.provenance.clone()))),
                Err(problem) => Err(problem.clone()),
            },
            None => Ok(name.spec().default.map(|default| {
                let provenance = Provenance::new(Source::Default, None);
                Sourced::new(SecretString::from(default), provenance)
            })),
        }
    }

    /// Returns the value in effect of a setting after validation; a secret is validated, and `None` is returned.
    ///
    /// # Errors
    /// The [`Problem`] of the value.
    pub(crate) fn value(
        &self,
        name: SettingName,
    ) -> Result<Option<Sourced<value::Value>>, Problem> {
        let value = self.value_or_secret(name)?;
        Ok(value.filter(|_| !name.spec().secret))
    }

    /// Returns the values in effect of all settings that are not secrets, after validation.
    ///
    /// # Errors
    /// Returns a [`LoadError`] with all problems of the stack.
    pub(crate) fn values(&self) -> Result<BTreeMap<SettingName, Sourced<value::Value>>, LoadError> {
        let mut problems = self.problems_of_places();
        let mut values = BTreeMap::new();
        for name in SettingName::all() {
            match self.value(name) {
                Ok(Some(value)) => drop(values.insert(name, value)),
                Ok(None) => {}
                Err(problem) => problems.push(problem),
            }
        }
        match LoadError::of_all(sort_by_line(problems)) {
            Some(error) => Err(error),
            None => Ok(values),
        }
    }

    /// Returns the value in effect of a setting after validation, including that of a secret.
    ///
    /// # Errors
    /// The [`Problem`] of the value.
    pub(crate) fn value_or_secret(
        &self,
        name: SettingName,
    ) -> Result<Option<Sourced<value::Value>>, Problem> {
        let declared = name.spec();
        // The text is borrowed: each copy of a secret must be wiped, and this function runs for every setting.
        let found = self.layers.iter().find_map(|layer| layer.get(name));
        let text = match (found.map(|entry| &entry.raw), declared.default) {
            (Some(Ok(raw)), _) => exposed(raw),
            (Some(Err(problem)), _) => return Err(problem.clone()),
            (None, Some(default)) => default,
            (None, None) => return Ok(None),
        };
        let parsed = value::parse_setting(declared, text.trim());
        let provenance = found.map_or_else(
            || Provenance::new(Source::Default, None),
            |entry| entry.provenance.clone(),
        );
        let is_shared = found.is_some_and(|entry| entry.is_shared);
        match parsed {
            Ok(value) => Ok(Some(Sourced::new(value, provenance))),
            // A proxy that another program uses matters only if a request would use it.
            Err(_) if is_shared && declared.kind == Kind::Proxy => {
                let value = value::Value::Text(text.trim().to_owned());
                Ok(Some(Sourced::new(value, provenance)))
            }
            Err(expected) => {
                let prefix = match provenance.location() {
                    Some(place @ Location::File { .. }) => {
                        format!("{place}: invalid value for {name}: ")
                    }
                    Some(place) => format!("invalid value for {name} ({place}): "),
                    None => format!("invalid value for {name}: "),
                };
                let wrong = expected.with_prefix(prefix);
                Err(Problem::new(LoadErrorKind::Invalid, wrong).of(name, provenance))
            }
        }
    }

    /// Returns whether a boolean setting is true, in any spelling; an invalid value counts as false.
    #[must_use]
    pub fn is_enabled(&self, name: SettingName) -> bool {
        let found = self.value(name).ok().flatten();
        found.is_some_and(|found| found.value == value::Value::Boolean(true))
    }

    /// Returns the text of a setting that is not a secret, if it is set or has a default.
    ///
    /// # Errors
    /// Returns `Conflict` for a secret setting, and `Invalid` for a value that cannot be expanded or is not UTF-8.
    pub fn text(&self, name: SettingName) -> Result<Option<Sourced<String>>, LoadError> {
        if name.spec().secret {
            let message = format!("{name} is a secret and cannot be read as plain text");
            return Err(LoadError::new(LoadErrorKind::Conflict, message));
        }
        let found = self.winner(name)?;
        Ok(found.map(|Sourced { value, provenance }| {
            Sourced::new(exposed(&value).trim().to_owned(), provenance)
        }))
    }

    /// Returns the text of a setting that loading requires; an error becomes a problem of the stack.
    pub(crate) fn text_or_problem(&mut self, name: SettingName) -> Option<Sourced<String>> {
        match self.text(name) {
            // A key in the place of a name is reported with the values.
            Ok(found) => {
                found.filter(|found| value::check_name(name.spec().kind, &found.value).is_ok())
            }
            Err(error) => {
                self.add_problems(error.problems().cloned());
                None
            }
        }
    }

    /// Returns the value in effect of a secret setting, without validation.
    ///
    /// # Errors
    /// Returns `Invalid` for a value that cannot be expanded or is not UTF-8, and `Unreadable` for a secret file that
    /// cannot be read.
    pub fn secret(&self, name: SettingName) -> Result<Option<Sourced<SecretString>>, LoadError> {
        Ok(self.winner(name)?)
    }
}

fn misspelled(unknown: &str, near: &str) -> String {
    format!("unknown variable {unknown}; did you mean {near}?")
}

/// Returns the warning about a setting that is not implemented yet.
fn without_effect(name: SettingName, found: Candidate<'_>) -> String {
    let place = found.provenance();
    format!("{name} from {place} has no effect: not implemented yet")
}

/// Returns whether a candidate sets the default value.
fn is_default(name: SettingName, found: Candidate<'_>) -> bool {
    let declared = name.spec();
    let parsed = |text: &str| value::parse(declared.kind, text.trim());
    match (declared.default, found.raw()) {
        (Some(default), Ok(raw)) => parsed(default) == parsed(exposed(raw)),
        _ => false,
    }
}

/// Sorts the problems of each file by line and column.
fn sort_by_line(mut problems: Vec<Problem>) -> Vec<Problem> {
    problems.sort_by_cached_key(|problem| {
        let place = problem.provenance().and_then(Provenance::location);
        match place {
            Some(Location::File { path, line, column }) => (Some(Arc::clone(path)), *line, *column),
            _ => (None, 0, 0),
        }
    });
    problems
}
