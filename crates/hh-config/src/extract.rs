//! Deserializes the settings in effect into a type of the caller, with figment.

use figment::value::{Dict, Value as FigmentValue};
use serde::de::DeserializeOwned;

use crate::value::Value;
use crate::{LoadError, LoadErrorKind, Stack};

impl Stack {
    /// Deserializes the settings in effect into a type of the caller, whose fields have the names of settings.
    ///
    /// Durations are numbers of seconds. Secrets are not included; [`Stack::secret`] returns them. This function requires
    /// the feature `files` or `figment`.
    ///
    /// # Errors
    /// Returns a [`LoadError`] with all problems of the stack, of the same kinds as those of
    /// [`Settings::load`](crate::Settings::load), or `Invalid` for a field that is not a setting or has another type.
    ///
    /// ```
    /// use hh_config::{Env, LoadOptions, Stack};
    ///
    /// #[derive(serde::Deserialize)]
    /// struct Mine {
    ///     project: Option<String>,
    ///     timeout: f64,
    /// }
    ///
    /// let env = Env::from_pairs([("HH_PROJECT", "docs")]);
    /// let mine: Mine = Stack::load(&env, LoadOptions::new()).extract()?;
    /// assert_eq!((mine.project.as_deref(), mine.timeout), (Some("docs"), 30.0));
    /// # Ok::<(), hh_config::LoadError>(())
    /// ```
    pub fn extract<T: DeserializeOwned>(&self) -> Result<T, LoadError> {
        // Only values in effect are inserted, so that figment has nothing to merge.
        let values = self.values()?.into_iter();
        let values: Dict = values
            .map(|(name, found)| (name.as_str().to_owned(), figment_value(found.value)))
            .collect();
        FigmentValue::from(values).deserialize().map_err(|error| {
            // The text of the figment error contains the value.
            let path = error.path.join(".");
            let name = if path.is_empty() { "a field" } else { &path };
            let message = format!(
                "cannot deserialize settings: {name} is unknown, not set or has the wrong type"
            );
            LoadError::new(LoadErrorKind::Invalid, message)
        })
    }
}

/// Converts a value to the type of figment.
pub(crate) fn figment_value(value: Value) -> FigmentValue {
    match value {
        Value::Text(text) => text.into(),
        Value::Boolean(flag) => flag.into(),
        Value::Number(number) => number.into(),
        Value::Count(count) => count.into(),
        Value::List(list) => list.into(),
        Value::Map(map) => map
            .into_iter()
            .map(|(name, text)| (name, text.into()))
            .collect::<Dict>()
            .into(),
    }
}
