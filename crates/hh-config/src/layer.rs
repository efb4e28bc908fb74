//! Defines the layer of one source: raw values with their provenance.

mod direct;
#[cfg(feature = "files")]
mod dotenv;
mod environment;
#[cfg(feature = "files")]
mod file;
#[cfg(any(feature = "files", feature = "figment"))]
mod named;
#[cfg(any(feature = "files", feature = "figment"))]
mod policy;
#[cfg(feature = "figment")]
mod provider;
mod variables;

use std::collections::BTreeMap;
use std::fmt;

use secrecy::SecretString;

#[cfg(feature = "files")]
pub(crate) use {
    dotenv::{DotEnv, conflicting_variables},
    file::{ConfigFile, Guard, MAX_BYTES, is_name_of},
};

use crate::{Problem, Provenance, SettingName, Source};

/// A raw value or its problem. All values are stored as secrets, so that `Debug` never prints one.
#[derive(Clone)]
pub(crate) struct Entry {
    pub(crate) raw: Result<SecretString, Problem>,
    pub(crate) provenance: Provenance,
    /// Whether the variable is meant for other programs, too, such as `HTTPS_PROXY`.
    pub(crate) is_shared: bool,
}

/// All settings of one source; `Debug` prints only names and locations.
#[derive(Clone)]
pub struct Layer {
    source: Source,
    /// The entries of each setting, the one in effect first.
    entries: BTreeMap<SettingName, Vec<Entry>>,
    problems: Vec<Problem>,
    warnings: Vec<String>,
    /// Unknown variables, each with a known variable that has a similar name.
    unknown_names: Vec<(String, &'static str)>,
    /// Variables that HoneyHive does not support, each with the reason.
    unsupported_names: Vec<(String, &'static str)>,
    is_project_file: bool,
}

impl Layer {
    pub(crate) fn new(source: Source) -> Self {
        Self {
            source,
            entries: BTreeMap::new(),
            problems: Vec::new(),
            warnings: Vec::new(),
            unknown_names: Vec::new(),
            unsupported_names: Vec::new(),
            is_project_file: false,
        }
    }

    /// Returns the source of the layer.
    #[must_use]
    pub fn source(&self) -> Source {
        self.source
    }

    /// Returns the problems of the layer that do not depend on the values in effect.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// Returns the warnings about the layer, one line each.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Returns the names of the settings in the layer.
    pub fn names(&self) -> impl Iterator<Item = SettingName> {
        self.entries.keys().copied()
    }

    /// Returns whether the layer is a file that was found in the working directory, not named by the caller.
    pub(crate) fn is_project_file(&self) -> bool {
        self.is_project_file
    }

    pub(crate) fn unknown_names(&self) -> &[(String, &'static str)] {
        &self.unknown_names
    }

    /// Returns the variables that HoneyHive does not support, each with the reason.
    pub(crate) fn unsupported_names(&self) -> &[(String, &'static str)] {
        &self.unsupported_names
    }

    /// Removes the warnings about the name of a variable.
    pub(crate) fn accept_name(&mut self, variable: &str) {
        self.unknown_names.retain(|(name, _)| name != variable);
        self.unsupported_names.retain(|(name, _)| name != variable);
    }

    pub(crate) fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values().flatten()
    }

    pub(crate) fn insert(
        &mut self,
        name: SettingName,
        raw: Result<SecretString, Problem>,
        provenance: Provenance,
    ) {
        let is_shared = false;
        self.add(
            name,
            Entry {
                raw,
                provenance,
                is_shared,
            },
        );
    }

    fn add(&mut self, name: SettingName, entry: Entry) {
        self.entries.entry(name).or_default().push(entry);
    }

    /// Moves the first matching entry to the front.
    pub(crate) fn prefer(&mut self, name: SettingName, fits: impl Fn(&Entry) -> bool) {
        if let Some(entries) = self.entries.get_mut(&name)
            && let Some(at) = entries.iter().position(fits)
        {
            entries[..=at].rotate_right(1);
        }
    }

    /// Returns the entries of a setting, the one in effect first.
    pub(crate) fn places(&self, name: SettingName) -> &[Entry] {
        self.entries.get(&name).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn get(&self, name: SettingName) -> Option<&Entry> {
        self.places(name).first()
    }
}

impl fmt::Debug for Layer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let places = self.entries.iter().map(|(name, entries)| {
            let places = entries.iter().map(|entry| entry.provenance.to_string());
            (name.as_str(), places.collect::<Vec<_>>())
        });
        formatter
            .debug_struct("Layer")
            .field("source", &self.source)
            .field("places", &places.collect::<BTreeMap<_, _>>())
            .finish_non_exhaustive()
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "parses raw text into the typed value; the value of a secret setting stays a SecretString"
)]
pub(crate) fn exposed(secret: &SecretString) -> &str {
    secrecy::ExposeSecret::expose_secret(secret)
}

pub(crate) fn is_blank(value: &SecretString) -> bool {
    exposed(value).trim().is_empty()
}
