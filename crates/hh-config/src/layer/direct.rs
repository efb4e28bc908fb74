//! Parameters given in code and flags.

use secrecy::SecretString;

use super::Layer;
use crate::{Location, Provenance, SettingName, Source};

impl Layer {
    /// Builds the layer of direct parameters; a blank value counts as not given.
    #[must_use]
    pub fn direct(values: impl IntoIterator<Item = (SettingName, SecretString)>) -> Self {
        Self::of_values(Source::Direct, values, |name| {
            Location::Parameter(name.as_str().to_owned())
        })
    }

    /// Builds the layer of a stored profile.
    #[must_use]
    pub fn stored(
        profile: &str,
        values: impl IntoIterator<Item = (SettingName, SecretString)>,
    ) -> Self {
        Self::of_values(Source::Stored, values, |_| {
            Location::Profile(profile.to_owned())
        })
    }

    fn of_values(
        source: Source,
        values: impl IntoIterator<Item = (SettingName, SecretString)>,
        place: impl Fn(SettingName) -> Location,
    ) -> Self {
        let mut layer = Self::new(source);
        for (name, value) in values {
            if !crate::stack::is_blank(&value) {
                layer.insert(name, value, Provenance::new(source, Some(place(name))));
            }
        }
        layer
    }
}
