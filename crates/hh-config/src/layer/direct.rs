//! Builds the layers of direct parameters and of a stored profile.

use secrecy::SecretString;

use super::Layer;
use crate::{Location, Provenance, SettingName, Source};

impl Layer {
    /// Builds the layer of direct parameters from settings, values and the names of the parameters in messages. A blank
    /// value counts as unset.
    #[must_use]
    pub fn direct(values: impl IntoIterator<Item = (SettingName, SecretString, String)>) -> Self {
        let values = values
            .into_iter()
            .map(|(name, value, place)| (name, value, Location::Parameter(place)));
        Self::of_values(Source::Direct, values)
    }

    /// Builds the layer of a stored profile. A blank value counts as unset.
    #[must_use]
    pub fn stored(
        profile: &str,
        values: impl IntoIterator<Item = (SettingName, SecretString)>,
    ) -> Self {
        let place = Location::Profile(profile.to_owned());
        let values = values
            .into_iter()
            .map(|(name, value)| (name, value, place.clone()));
        Self::of_values(Source::Stored, values)
    }

    fn of_values(
        source: Source,
        values: impl IntoIterator<Item = (SettingName, SecretString, Location)>,
    ) -> Self {
        let mut layer = Self::new(source);
        for (name, value, place) in values {
            let place = Provenance::new(source, Some(place));
            if super::is_blank(&value) {
                layer.add_empty(name, place);
            } else {
                layer.insert(name, Ok(value), place);
            }
        }
        layer
    }
}
