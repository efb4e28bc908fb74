//! The one record of a setting that lists, status and errors print.

use secrecy::SecretString;

use crate::layer::exposed;
use crate::redact::redact_keys;
use crate::stack::Candidate;
use crate::{Problem, Provenance, SettingName, Source, Stack, value};

/// A value as it may be shown.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum RedactedValue {
    /// The text itself.
    Plain(String),
    /// A secret: [`RedactedValue::text`] masks it, `Debug` shows nothing of it.
    Secret(SecretString),
    /// It is set, but there is no value: why.
    Invalid(Problem),
    /// Nothing sets it and there is no default.
    Unset,
}

impl RedactedValue {
    /// Returns the text that people may see, secrets and what looks like an API key through `redact`; `None` without a value.
    #[must_use]
    pub fn text(&self, redact: impl Fn(&str) -> String) -> Option<String> {
        match self {
            // A key in the wrong setting is still a key.
            Self::Plain(text) => Some(redact_keys(text, redact)),
            Self::Secret(secret) => Some(redact(exposed(secret).trim())),
            Self::Invalid(_) | Self::Unset => None,
        }
    }
}

/// One place that sets a setting, with what it holds.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ShadowedValue {
    /// The value there.
    pub value: RedactedValue,
    /// Where it is.
    pub provenance: Provenance,
}

/// What is in effect for one setting, where it came from, and what it shadows.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Explanation {
    /// The setting.
    pub name: SettingName,
    /// The value in effect.
    pub value: RedactedValue,
    /// Where it came from.
    pub provenance: Provenance,
    /// What is wrong with the value, if it is: it cannot be put together, has the wrong type or is out of range.
    pub problem: Option<Problem>,
    /// The places that it shadows, highest first.
    pub shadowed: Vec<ShadowedValue>,
}

impl Explanation {
    /// Returns whether any place sets it, even to a value that cannot be used.
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.provenance.source() != Source::Default
    }

    /// Returns the short form of where the value came from, `unset` if there is none.
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
    /// Explains every declared setting, in the order of the table.
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
