//! Returns the settings in effect as text that is safe to print.

use std::fmt;

use crate::{Env, Explanation, LoadError, LoadOptions, Stack, names};

/// The settings in effect, each with its source; secrets are redacted.
///
/// The additional entry `api_key_source` is the source of the API key.
#[derive(Clone, Debug)]
pub struct Config {
    entries: Vec<(&'static str, Option<String>, String)>,
    api_key_source: String,
}

/// Returns the settings in effect for this process: files, environment and defaults.
///
/// It does not include a stored credential, which `get_config` of the SDK adds.
///
/// # Errors
/// Returns a [`LoadError`] with all problems, of the same kinds as those of [`Settings::load`](crate::Settings::load).
///
/// ```no_run
/// let config = hh_config::get_config()?;
/// println!("{config}");
/// println!("API key source: {}", config.get("api_key_source").unwrap_or("unknown"));
/// # Ok::<(), hh_config::LoadError>(())
/// ```
pub fn get_config() -> Result<Config, LoadError> {
    let stack = Stack::load(&Env::from_process(), LoadOptions::new());
    Config::of(&stack, |_| "***".to_owned())
}

impl Config {
    /// Creates the settings in effect from a stack. `redact` returns the redacted form of a secret.
    ///
    /// # Errors
    /// Returns a [`LoadError`] with all problems of the stack, of the same kinds as those of
    /// [`Settings::load`](crate::Settings::load).
    pub fn of(stack: &Stack, redact: impl Fn(&str) -> String) -> Result<Self, LoadError> {
        if let Some(error) = LoadError::of_all(stack.problems()) {
            return Err(error);
        }
        let entry = |explained: Explanation| {
            let source = explained.source_label();
            (
                explained.name.as_str(),
                explained.value.text(&redact),
                source,
            )
        };
        Ok(Self {
            entries: stack.explain().into_iter().map(entry).collect(),
            api_key_source: stack.explain_one(names::API_KEY).source_label(),
        })
    }

    /// Returns the value of a setting. For the name `api_key_source`, it returns the source of the API key: `param`,
    /// `env:NAME`, `file:PATH:LINE:COLUMN`, `stored`, `provider:KEY in NAME` or `unset`.
    ///
    /// Returns `None` for a setting without a value and for an unknown name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        if name == "api_key_source" {
            return Some(&self.api_key_source);
        }
        let (_, value, _) = self.entries.iter().find(|(known, ..)| *known == name)?;
        value.as_deref()
    }

    /// Returns the source of the value of a setting, in the form of [`Provenance::label`](crate::Provenance::label), or
    /// `unset`. Returns `None` for an unknown name.
    #[must_use]
    pub fn source(&self, name: &str) -> Option<&str> {
        let (_, _, source) = self.entries.iter().find(|(known, ..)| *known == name)?;
        Some(source)
    }

    /// Returns the name, value and source of every setting that has a value.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &str, &str)> {
        self.entries
            .iter()
            .filter_map(|(name, value, source)| Some((*name, value.as_deref()?, source.as_str())))
    }
}

/// Writes one line for each setting that has a value.
impl fmt::Display for Config {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, value, source) in self.iter() {
            writeln!(formatter, "{name} = {value} ({source})")?;
        }
        write!(formatter, "api_key_source = {}", self.api_key_source)
    }
}
