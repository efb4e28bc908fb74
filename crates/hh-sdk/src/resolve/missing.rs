//! Creates the error for a missing API key.

use hh_config::{DiscoveredFile, FileState, Location, names, redact_keys};

use super::layers::Resolved;
use crate::{Error, ErrorKind};

/// The hint that explains how to supply an API key.
pub const KEY_HELP: &str = "run `honeyhive auth login`, set HH_API_KEY, or set api_key in a configuration file (create keys in the HoneyHive dashboard under Settings > API Keys; a local server prints one at its first start)";

/// The maximum number of probable reasons in the hint.
const MOST_MISTAKES: usize = 3;

impl Resolved {
    /// Returns the error for a missing API key, which lists the sources that were searched.
    #[must_use]
    pub fn missing_key(&self) -> Error {
        let exists = |file: &&DiscoveredFile| file.state != FileState::Absent;
        let shown = |file: &DiscoveredFile| {
            let path = file.path.as_ref()?.display();
            Some(format!("{path} ({})", file.state.as_str()))
        };
        let found = self.stack.files().iter().filter(exists);
        let has_files = found.clone().next().is_some();
        let without_key = found.filter(|file| !self.is_empty_in(file));
        let without_key: Vec<String> = without_key.filter_map(shown).collect();
        let files = match (has_files, without_key.is_empty()) {
            (false, _) => "there is no configuration file, ".to_owned(),
            (true, true) => String::new(),
            (true, false) => format!("api_key is not set in {}, ", without_key.join(", ")),
        };
        let logins = match (&self.profile, self.has_unused_logins) {
            (Some(profile), _) => format!(
                "test mode does not read the key of profile \"{}\" from the keyring",
                profile.name
            ),
            (None, false) => "no profile is saved".to_owned(),
            (None, true) => "no saved profile is selected".to_owned(),
        };
        let values = self.empty_keys();
        let message = format!("no API key was found: {values}, {files}and {logins}");
        let mut mistakes = self.stack.mistakes(names::API_KEY);
        mistakes.truncate(MOST_MISTAKES);
        let hint = if !mistakes.is_empty() {
            mistakes.join("; ")
        } else if self.has_unused_logins {
            "run `honeyhive auth switch NAME` to select a saved profile".to_owned()
        } else {
            KEY_HELP.to_owned()
        };
        let message = redact_keys(&message, hh_auth::redact);
        Error::new(ErrorKind::MissingKey, message).with_hint(hint)
    }

    /// Returns where the key is set to an empty value, or that `HH_API_KEY` is not set.
    fn empty_keys(&self) -> String {
        let places = self.stack.empty_places(names::API_KEY).map(|place| {
            let is_name = matches!(
                place.location(),
                Some(Location::Variable(_) | Location::Parameter(_))
            );
            let setting = if is_name { "" } else { "the key in " };
            format!("{setting}{place} is empty")
        });
        let places: Vec<_> = places.collect();
        if places.is_empty() {
            "HH_API_KEY is not set".to_owned()
        } else {
            places.join(", ")
        }
    }

    /// Returns whether a file sets the key to an empty value.
    fn is_empty_in(&self, file: &DiscoveredFile) -> bool {
        let mut places = self.stack.empty_places(names::API_KEY);
        places.any(|place| match (place.location(), &file.path) {
            // The file has its full path, and the place the path that the user wrote.
            (Some(Location::File { path, .. }), Some(full)) => full.ends_with(path),
            _ => false,
        })
    }
}
