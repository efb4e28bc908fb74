//! A setting as JSON shows it.

use hh_sdk::auth::redact;
use hh_sdk::config::{Explanation, Location, Provenance, Via};
use serde::Serialize;

use crate::error::of_problem;
use crate::ui::without_keys;

/// One setting.
#[derive(Serialize)]
pub(super) struct Record {
    pub(super) name: &'static str,
    pub(super) value: Option<String>,
    /// `param`, `env:NAME`, `file:PATH:LINE:COLUMN`, `stored`, `default` or `unset`.
    pub(super) source: String,
    #[serde(flatten)]
    place: ValueLocation,
    /// What is wrong with the value.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
    shadowed: Vec<ShadowedRecord>,
}

/// One place that another shadows.
#[derive(Serialize)]
pub(super) struct ShadowedRecord {
    pub(super) value: Option<String>,
    pub(super) source: String,
    #[serde(flatten)]
    place: ValueLocation,
}

/// The exact place of a value.
#[derive(Serialize)]
struct ValueLocation {
    layer: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<usize>,
    /// The variable it came from, or those that were put into it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    used_variables: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret_file: Option<String>,
}

impl Record {
    pub(super) fn new(explained: &Explanation) -> Self {
        Self {
            name: explained.name.as_str(),
            value: explained.value.text(redact),
            source: without_keys(&explained.source_label()),
            place: ValueLocation::new(&explained.provenance),
            problem: explained
                .problem
                .as_ref()
                .map(|problem| without_keys(&of_problem(problem).to_line())),
            shadowed: explained
                .shadowed
                .iter()
                .map(|shadowed| ShadowedRecord {
                    value: shadowed.value.text(redact),
                    source: without_keys(&shadowed.provenance.label()),
                    place: ValueLocation::new(&shadowed.provenance),
                })
                .collect(),
        }
    }

    pub(super) fn shadowed(&self) -> &[ShadowedRecord] {
        &self.shadowed
    }

    /// The value as a table shows it.
    pub(super) fn display_value(&self) -> &str {
        self.value.as_deref().unwrap_or("-")
    }
}

impl ValueLocation {
    fn new(provenance: &Provenance) -> Self {
        let mut place = Self {
            layer: provenance.source().as_str(),
            file: None,
            line: None,
            column: None,
            used_variables: Vec::new(),
            secret_file: None,
        };
        match provenance.location() {
            Some(Location::Variable(name)) => place.used_variables.push(without_keys(name)),
            Some(Location::File { path, line, column }) => {
                place.file = Some(without_keys(&path.display().to_string()));
                (place.line, place.column) = (Some(*line), Some(*column));
            }
            _ => {}
        }
        for via in provenance.via() {
            match via {
                Via::Substituted(name) => place.used_variables.push(without_keys(name)),
                Via::SecretFile(path) => {
                    place.secret_file = Some(without_keys(&path.display().to_string()));
                }
                _ => {}
            }
        }
        place
    }
}
