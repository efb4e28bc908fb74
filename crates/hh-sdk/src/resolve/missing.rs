//! Creates the error for a missing API key.

use hh_config::{DiscoveredFile, FileState, redact_keys};

use super::layers::Resolved;
use crate::{Error, ErrorKind};

/// The hint that explains how to supply an API key.
pub const KEY_HELP: &str = "run `honeyhive auth login`, set HH_API_KEY, or set api_key in a configuration file (create keys in the HoneyHive dashboard under Settings > API Keys; a local server prints one at its first start)";

impl Resolved {
    /// Returns the error for a missing API key, which lists the sources that were searched.
    #[must_use]
    pub fn missing_key(&self) -> Error {
        let exists = |file: &&DiscoveredFile| file.state != FileState::Absent;
        let shown = |file: &DiscoveredFile| {
            let path = file.path.as_ref()?.display();
            Some(format!("{path} ({})", file.state.as_str()))
        };
        let files: Vec<String> = self
            .stack
            .files()
            .iter()
            .filter(exists)
            .filter_map(shown)
            .collect();
        let files = if files.is_empty() {
            "there is no configuration file".to_owned()
        } else {
            format!("api_key is not set in {}", files.join(", "))
        };
        let logins = match (&self.profile, self.has_unused_logins) {
            (Some(profile), _) => format!(
                "test mode does not read the key of profile \"{}\" from the keyring",
                profile.name
            ),
            (None, false) => "no profile is saved".to_owned(),
            (None, true) => "no saved profile is selected".to_owned(),
        };
        let message = format!("no API key was found: HH_API_KEY is not set, {files}, and {logins}");
        let hint = if self.has_unused_logins {
            "run `honeyhive auth switch NAME` to select a saved profile"
        } else {
            KEY_HELP
        };
        let message = redact_keys(&message, hh_auth::redact);
        Error::new(ErrorKind::MissingKey, message).with_hint(hint)
    }
}
