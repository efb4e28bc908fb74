//! One source's values, as raw text with the place of each.

mod direct;
#[cfg(feature = "files")]
mod dotenv;
mod environment;
#[cfg(feature = "files")]
mod file;
#[cfg(feature = "files")]
pub(crate) use file::overlay_path;

use std::collections::BTreeMap;
use std::fmt;

use secrecy::SecretString;

use crate::{Provenance, SettingName, Source};

/// A raw value: every one is held as a secret, so that no `Debug` has to know which ones are.
#[derive(Clone)]
pub(crate) struct Entry {
    pub(crate) raw: SecretString,
    pub(crate) provenance: Provenance,
}

/// All settings of one source; `Debug` shows names and places only.
#[derive(Clone)]
pub struct Layer {
    source: Source,
    entries: BTreeMap<SettingName, Entry>,
    warnings: Vec<String>,
}

impl Layer {
    pub(crate) fn new(source: Source) -> Self {
        Self {
            source,
            entries: BTreeMap::new(),
            warnings: Vec::new(),
        }
    }

    /// Returns the source of all values in here.
    #[must_use]
    pub fn source(&self) -> Source {
        self.source
    }

    /// Returns what people should hear about this layer, a line each.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    pub(crate) fn insert(&mut self, name: SettingName, raw: SecretString, provenance: Provenance) {
        self.entries.insert(name, Entry { raw, provenance });
    }

    pub(crate) fn get(&self, name: SettingName) -> Option<&Entry> {
        self.entries.get(&name)
    }
}

impl fmt::Debug for Layer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let places = self
            .entries
            .iter()
            .map(|(name, entry)| (name.as_str(), entry.provenance.to_string()));
        formatter
            .debug_struct("Layer")
            .field("source", &self.source)
            .field("places", &places.collect::<BTreeMap<_, _>>())
            .finish_non_exhaustive()
    }
}
