//! The one record of a setting that lists, status and errors print.

use secrecy::SecretString;

use crate::stack::exposed;
use crate::{DECLARED, Provenance, SettingName, Source, Stack};

/// A value as it may be shown.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Shown {
    /// The text itself.
    Plain(String),
    /// A secret: the caller masks it, `Debug` shows nothing of it.
    Secret(SecretString),
    /// Nothing sets it and there is no default.
    Unset,
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
    /// The places that it shadows, highest first.
    pub shadowed: Vec<Provenance>,
}

impl Stack {
    /// Explains every declared setting, in the order of the table.
    #[must_use]
    pub fn explain(&self) -> Vec<Explained> {
        DECLARED
            .iter()
            .map(|declared| {
                let shadowed = self.candidates(declared.name).shadowed;
                let shadowed = shadowed.iter().map(|c| c.provenance().clone()).collect();
                let (value, provenance) = match self.winner(declared.name) {
                    None => (Shown::Unset, Provenance::new(Source::Default, None)),
                    Some(found) if declared.secret => {
                        (Shown::Secret(found.value), found.provenance)
                    }
                    Some(found) => (
                        Shown::Plain(exposed(&found.value).trim().to_owned()),
                        found.provenance,
                    ),
                };
                Explained {
                    name: declared.name,
                    value,
                    provenance,
                    shadowed,
                }
            })
            .collect()
    }
}
