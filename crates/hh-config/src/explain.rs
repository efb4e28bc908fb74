//! The one record of a setting that lists, status and errors print.

use std::path::{Path, PathBuf};

use secrecy::SecretString;

use crate::layer::exposed;
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

/// Shows every word of a text that looks like an API key through `mask`, and all else as it is.
///
/// Such a word begins with `hh_` and has 16 letters and digits in a row, as every key has and hardly a name; one that `*`
/// follows has been masked already.
#[must_use]
pub fn mask_keys(text: &str, mask: impl Fn(&str) -> String) -> String {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    // Nearly every text: it is not worth a search.
    if !text.as_bytes().windows(3).any(|part| part == b"hh_") {
        return text.to_owned();
    }
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("hh_") {
        let (before, word) = rest.split_at(start);
        let end = word.find(|c| !is_word(c)).unwrap_or(word.len());
        let mut parts = word[..end].split(['_', '-']);
        let is_key = parts.any(|part| part.len() >= 16) && !word[end..].starts_with('*');
        shown.push_str(before);
        if is_key {
            shown.push_str(&mask(&word[..end]));
        } else {
            shown.push_str(&word[..end]);
        }
        rest = &word[end..];
    }
    shown.push_str(rest);
    shown
}

/// Returns a path as it may be shown: a key in the place of a path is still a key.
pub(crate) fn shown_path(path: &Path) -> PathBuf {
    // No longer path can be opened, and a longer text is none.
    const MOST: usize = 1024;
    let text = path.to_string_lossy();
    let is_plain = !text.contains("hh_") && !text.contains(char::is_control);
    if text.len() > MOST {
        PathBuf::from(format!("(a path of {} bytes)", text.len()))
    } else if is_plain {
        path.to_owned()
    } else {
        let text = mask_keys(&text, |_| "hh_***".to_owned());
        PathBuf::from(text.replace(char::is_control, " "))
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
    /// Whether any place sets it, be it to a value that cannot be used.
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
