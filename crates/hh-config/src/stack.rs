//! Layers in order: the winner, and what it shadows.

use secrecy::{ExposeSecret as _, SecretString};

use crate::layer::{Entry, Layer};
use crate::{Kind, LoadError, LoadErrorKind, Provenance, SettingName, Sourced};

/// Layers in order of precedence; adding one destroys nothing.
#[derive(Clone, Debug, Default)]
pub struct Stack {
    layers: Vec<Layer>,
}

/// One place that sets a value.
#[derive(Clone, Copy)]
pub struct Candidate<'a> {
    entry: &'a Entry,
}

impl Candidate<'_> {
    /// Returns where it stands.
    #[must_use]
    pub fn provenance(&self) -> &Provenance {
        &self.entry.provenance
    }

    /// Returns the raw text.
    #[must_use]
    pub fn raw(&self) -> &SecretString {
        &self.entry.raw
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

/// Every place that sets one setting.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Candidates<'a> {
    /// The place that wins, unless only the default is left.
    pub winner: Option<Candidate<'a>>,
    /// The places it shadows, highest first.
    pub shadowed: Vec<Candidate<'a>>,
}

impl Stack {
    /// Makes an empty stack.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a layer; its place follows from its source.
    #[must_use]
    pub fn with(mut self, layer: Layer) -> Self {
        let at = self
            .layers
            .partition_point(|other| other.source() > layer.source());
        self.layers.insert(at, layer);
        self
    }

    /// Returns the winner and the shadowed places of a setting.
    #[must_use]
    pub fn candidates(&self, name: SettingName) -> Candidates<'_> {
        let mut found = self
            .layers
            .iter()
            .filter_map(|layer| layer.get(name))
            .map(|entry| Candidate { entry });
        Candidates {
            winner: found.next(),
            shadowed: found.collect(),
        }
    }

    /// Returns what people should hear about the layers, a line each.
    pub fn warnings(&self) -> impl Iterator<Item = &str> {
        self.layers
            .iter()
            .flat_map(Layer::warnings)
            .map(String::as_str)
    }

    /// Returns the winning raw text of a setting, or its default.
    pub(crate) fn winner(&self, name: SettingName) -> Option<Sourced<SecretString>> {
        match self.candidates(name).winner {
            Some(Candidate { entry }) => {
                Some(Sourced::new(entry.raw.clone(), entry.provenance.clone()))
            }
            None => name.declared().default.map(|default| {
                Sourced::new(
                    SecretString::from(default),
                    Provenance::new(crate::Source::Default, None),
                )
            }),
        }
    }

    /// Returns the text of a setting that is no secret, if it is set or has a default.
    ///
    /// # Errors
    /// `Conflict` for a secret, whose text is not handed out here.
    pub fn text(&self, name: SettingName) -> Result<Option<Sourced<String>>, LoadError> {
        if name.declared().secret {
            let message = format!("{name} is a secret, which has no plain text");
            return Err(LoadError::new(LoadErrorKind::Conflict, message));
        }
        self.parsed(name, |text| Ok(text.to_owned()))
    }

    /// Returns the winning text of a non-secret setting through `parse`.
    pub(crate) fn parsed<T>(
        &self,
        name: SettingName,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Option<Sourced<T>>, LoadError> {
        let Some(Sourced { value, provenance }) = self.winner(name) else {
            return Ok(None);
        };
        match parse(exposed(&value).trim()) {
            Ok(value) => Ok(Some(Sourced::new(value, provenance))),
            Err(expected) => Err(LoadError::new(
                LoadErrorKind::Invalid,
                format!("the value of {name} from {provenance} {expected}"),
            )
            .of(name, provenance)),
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "turns raw text into the typed value; the result of a secret setting stays a SecretString"
)]
pub(crate) fn exposed(secret: &SecretString) -> &str {
    secret.expose_secret()
}

pub(crate) fn is_blank(value: &SecretString) -> bool {
    exposed(value).trim().is_empty()
}

/// Parses a boolean as decisions P9 spell it.
pub(crate) fn parse_boolean(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" | "enabled" => Some(true),
        "false" | "0" | "no" | "off" | "disabled" => Some(false),
        _ => None,
    }
}

/// Checks a text against a kind; the error says what was expected, not what was found.
pub(crate) fn check(kind: Kind, text: &str) -> Result<(), String> {
    match kind {
        Kind::Text | Kind::Path => Ok(()),
        Kind::Url => crate::BaseUrl::parse(text)
            .map(drop)
            .map_err(|error| error.to_string()),
        Kind::Boolean => parse_boolean(text)
            .map(drop)
            .ok_or_else(|| "is not a boolean (true or false)".to_owned()),
        Kind::Seconds(low, high) => text
            .parse::<f64>()
            .ok()
            .filter(|seconds| (low..=high).contains(seconds))
            .map(drop)
            .ok_or_else(|| format!("is not a number of seconds from {low} to {high}")),
        Kind::Count(low, high) => text
            .parse::<u64>()
            .ok()
            .filter(|count| (low..=high).contains(count))
            .map(drop)
            .ok_or_else(|| format!("is not a whole number from {low} to {high}")),
        Kind::Choice(words) => words
            .iter()
            .any(|word| word.eq_ignore_ascii_case(text))
            .then_some(())
            .ok_or_else(|| format!("is not one of {}", words.join(", "))),
    }
}
