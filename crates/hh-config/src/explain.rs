//! Explains settings: the value in effect, its provenance and the values that it shadows.

use secrecy::SecretString;

use crate::layer::exposed;
use crate::redact::redact_keys;
use crate::stack::Candidate;
use crate::{Problem, Provenance, SettingName, Source, Stack, value};

/// A value whose [text](Self::text) is safe to print.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum RedactedValue {
    /// The text itself.
    Plain(String),
    /// A secret, which [`RedactedValue::text`] redacts and `Debug` does not print.
    Secret(SecretString),
    /// The setting is set, but this problem prevents a value.
    Invalid(Problem),
    /// The setting is not set and has no default.
    Unset,
}

impl RedactedValue {
    /// Returns the printable text, or `None` if there is no value.
    ///
    /// Secrets, and parts of other values that look like an API key, are replaced with the result of `redact`.
    #[must_use]
    pub fn text(&self, redact: impl Fn(&str) -> String) -> Option<String> {
        match self {
            // A user may have set an API key in the wrong setting.
            Self::Plain(text) => Some(redact_keys(text, redact)),
            Self::Secret(secret) => Some(redact(exposed(secret).trim())),
            Self::Invalid(_) | Self::Unset => None,
        }
    }
}

/// A value that is shadowed by a source of higher precedence.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ShadowedValue {
    /// The value.
    pub value: RedactedValue,
    /// The provenance of the value.
    pub provenance: Provenance,
}

/// The value in effect of one setting, its provenance, and the values that it shadows.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Explanation {
    /// The setting.
    pub name: SettingName,
    /// The value in effect.
    pub value: RedactedValue,
    /// The provenance of the value.
    pub provenance: Provenance,
    /// The problem of the value, if it cannot be expanded, has the wrong type or is out of range.
    pub problem: Option<Problem>,
    /// The shadowed values, in order of precedence.
    pub shadowed: Vec<ShadowedValue>,
}

impl Explanation {
    /// Returns whether a source sets the setting, even to an invalid value.
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.provenance.source() != Source::Default
    }

    /// Returns the [short form](Provenance::label) of the provenance, or `unset` if there is no value.
    #[must_use]
    pub fn source_label(&self) -> String {
        match self.value {
            RedactedValue::Unset => "unset".to_owned(),
            RedactedValue::Plain(_) | RedactedValue::Secret(_) | RedactedValue::Invalid(_) => {
                self.provenance.label()
            }
        }
    }
}

impl Stack {
    /// Explains all settings, in the order of the table.
    #[must_use]
    pub fn explain(&self) -> Vec<Explanation> {
        SettingName::all()
            .map(|name| self.explain_one(name))
            .collect()
    }

    /// Explains one setting.
    #[must_use]
    pub fn explain_one(&self, name: SettingName) -> Explanation {
        let candidates = self.candidates(name);
        let shadowed = candidates.shadowed.iter().map(|candidate| ShadowedValue {
            value: redacted_value(name, *candidate),
            provenance: candidate.provenance().clone(),
        });
        let (value, provenance) = match (candidates.winner, name.spec().default) {
            (Some(winner), _) => (redacted_value(name, winner), winner.provenance().clone()),
            (None, default) => {
                let default = default.map(|text| RedactedValue::Plain(text.to_owned()));
                let provenance = Provenance::new(Source::Default, None);
                (default.unwrap_or(RedactedValue::Unset), provenance)
            }
        };
        Explanation {
            name,
            value,
            provenance,
            problem: self.problem_of_value(name),
            shadowed: shadowed.collect(),
        }
    }
}

fn redacted_value(name: SettingName, candidate: Candidate<'_>) -> RedactedValue {
    let declared = name.spec();
    match candidate.raw() {
        Err(problem) => RedactedValue::Invalid(problem.clone()),
        Ok(raw) if declared.secret => RedactedValue::Secret(raw.clone()),
        Ok(raw) => RedactedValue::Plain(value::redacted(declared.kind, exposed(raw).trim())),
    }
}
