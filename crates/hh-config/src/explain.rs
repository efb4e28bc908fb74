//! The one record of a setting that lists, status and errors print.

use secrecy::SecretString;

use crate::layer::exposed;
use crate::shown::mask_keys;
use crate::stack::Candidate;
use crate::{Problem, Provenance, SettingName, Source, Stack, value};

/// A value as it may be shown.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Shown {
    /// The text itself.
    Plain(String),
    /// A secret: [`Shown::text`] masks it, `Debug` shows nothing of it.
    Secret(SecretString),
    /// It is set, but there is no value: why.
    Broken(Problem),
    /// Nothing sets it and there is no default.
    Unset,
}

impl Shown {
    /// Returns the text that people may see, secrets and what looks like an API key through `mask`; `None` without a value.
    #[must_use]
    pub fn text(&self, mask: impl Fn(&str) -> String) -> Option<String> {
        match self {
            // A key in the wrong setting is still a key.
            Self::Plain(text) => Some(mask_keys(text, mask)),
            Self::Secret(secret) => Some(mask(exposed(secret).trim())),
            Self::Broken(_) | Self::Unset => None,
        }
    }
}

/// One place that sets a setting, with what it holds.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Shadowed {
    /// The value there.
    pub value: Shown,
    /// Where it is.
    pub provenance: Provenance,
}

/// What is in effect for one setting, where it came from, and what it shadows.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Explained {
    /// The setting.
    pub name: SettingName,
    /// The value in effect.
    pub value: Shown,
    /// Where it came from.
    pub provenance: Provenance,
    /// What is wrong with the value, if it is: it cannot be put together, has the wrong type or is out of range.
    pub problem: Option<Problem>,
    /// The places that it shadows, highest first.
    pub shadowed: Vec<Shadowed>,
}

impl Explained {
    /// Returns whether any place sets it, even to a value that cannot be used.
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.provenance.source() != Source::Default
    }

    /// Returns the short form of where the value came from, `unset` if there is none.
    #[must_use]
    pub fn source_label(&self) -> String {
        match self.value {
            Shown::Unset => "unset".to_owned(),
            Shown::Plain(_) | Shown::Secret(_) | Shown::Broken(_) => self.provenance.label(),
        }
    }
}

impl Stack {
    /// Explains every declared setting, in the order of the table.
    #[must_use]
    pub fn explain(&self) -> Vec<Explained> {
        SettingName::all()
            .map(|name| self.explain_one(name))
            .collect()
    }

    /// Explains one setting.
    #[must_use]
    pub fn explain_one(&self, name: SettingName) -> Explained {
        let candidates = self.candidates(name);
        let shadowed = candidates.shadowed.iter().map(|candidate| Shadowed {
            value: shown(name, *candidate),
            provenance: candidate.provenance().clone(),
        });
        let (value, provenance) = match (candidates.winner, name.declared().default) {
            (Some(winner), _) => (shown(name, winner), winner.provenance().clone()),
            (None, default) => {
                let default = default.map(|text| Shown::Plain(text.to_owned()));
                let provenance = Provenance::new(Source::Default, None);
                (default.unwrap_or(Shown::Unset), provenance)
            }
        };
        Explained {
            name,
            value,
            provenance,
            problem: self.problem_of_value(name),
            shadowed: shadowed.collect(),
        }
    }
}

fn shown(name: SettingName, candidate: Candidate<'_>) -> Shown {
    let declared = name.declared();
    match candidate.raw() {
        Err(problem) => Shown::Broken(problem.clone()),
        Ok(raw) if declared.secret => Shown::Secret(raw.clone()),
        Ok(raw) => Shown::Plain(value::shown(declared.kind, exposed(raw).trim())),
    }
}
