//! The text format of the credential store, for the fuzz targets. This module is not part of the public API.

use zeroize::Zeroizing;

use crate::store::format::{self, Unreadable};
use crate::store::{Contents, ProfileEntry};
use crate::{ApiKey, Storage};

/// The parsed text of a credential store.
#[derive(Debug)]
pub struct StoreText(Contents);

impl StoreText {
    /// Parses a text. The error is the text of a message.
    ///
    /// # Errors
    /// Returns the line and the problem.
    pub fn parse(text: &[u8]) -> Result<Self, String> {
        format::from_bytes(text)
            .map(Self)
            .map_err(|error| match error {
                Unreadable::Damaged { line, what } => format!("line {line}: {what}"),
                Unreadable::Newer { version } => format!("has version {version}"),
            })
    }

    /// Writes the text again.
    #[must_use]
    pub fn to_text(&self) -> Zeroizing<String> {
        format::to_text(&self.0)
    }

    /// Returns whether two texts have the same contents.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        let (ours, theirs) = (&self.0, &other.0);
        ours.current == theirs.current
            && ours.profiles.len() == theirs.profiles.len()
            && ours
                .profiles
                .iter()
                .zip(&theirs.profiles)
                .all(|((name, one), (same, two))| name == same && is_same(one, two))
    }

    /// Returns the keys in the text, each with a flag that is true if its storage is the file.
    pub fn keys(&self) -> impl Iterator<Item = (&ApiKey, bool)> {
        let entries = self.0.profiles.values();
        entries.filter_map(|entry| Some((entry.key.as_ref()?, entry.storage == Storage::File)))
    }
}

fn is_same(one: &ProfileEntry, two: &ProfileEntry) -> bool {
    let keys = match (&one.key, &two.key) {
        (Some(one), Some(two)) => one.is_same(two),
        (None, None) => true,
        (Some(_), None) | (None, Some(_)) => false,
    };
    keys && one.name == two.name
        && one.base_url == two.base_url
        && one.storage == two.storage
        && one.details == two.details
        && one.first_seen == two.first_seen
}
