//! What is said when no place has a key.

use hh_config::{DiscoveredFile, FileState, redact_keys};

use super::layers::Resolved;
use crate::{Error, ErrorKind};

impl Resolved {
    /// Returns the error that there is no API key: it tells where one was looked for.
    #[must_use]
    pub fn missing_key(&self) -> Error {
        let there = |file: &&DiscoveredFile| file.state != FileState::Absent;
        let shown = |file: &DiscoveredFile| {
            let path = file.path.as_ref()?.display();
            Some(format!("{path} ({})", file.state.as_str()))
        };
        let files: Vec<String> = self
            .stack
            .files()
            .iter()
            .filter(there)
            .filter_map(shown)
            .collect();
        let files = if files.is_empty() {
            "there is no configuration file".to_owned()
        } else {
            format!("there is no api_key in {}", files.join(", "))
        };
        let logins = match (&self.profile, self.has_unused_logins) {
            (Some(profile), _) => format!(
                "in test mode no keyring is asked for the key of profile \"{}\"",
                profile.name
            ),
            (None, false) => "no login is saved".to_owned(),
            (None, true) => {
                "none of the saved logins is in use (`honeyhive auth switch` takes one)".to_owned()
            }
        };
        let message = format!("no API key was found: HH_API_KEY is not set, {files}, and {logins}");
        Error::new(
            ErrorKind::MissingKey,
            redact_keys(&message, hh_auth::redact),
        )
    }
}
