//! What a login leaves: a named entry of the store.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;

use crate::{ApiKey, Level};

/// Where the key of a profile is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Storage {
    /// In the store's file, as plain text that only its owner can read.
    #[default]
    File,
    /// In the keyring of the system.
    Keyring,
}

impl Storage {
    /// Returns its name, as the file and the command line have it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Keyring => "keyring",
        }
    }

    /// Finds a storage by its name.
    #[must_use]
    pub fn find(name: &str) -> Option<Self> {
        [Self::File, Self::Keyring]
            .into_iter()
            .find(|storage| storage.as_str() == name)
    }
}

impl fmt::Display for Storage {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// What is known of a stored key beside its text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyDetails {
    /// The server's id of the key, if it told.
    pub id: Option<String>,
    /// The key's level, if the server told.
    pub level: Option<Level>,
    /// Who the key acts for, if the server told: a user's e-mail address or a service account's name.
    pub owner: Option<String>,
    /// When the key was made, if anybody told.
    pub created: Option<Created>,
    /// When the key ends, if the server told.
    pub expires_at: Option<Timestamp>,
    /// The server's id of the key whose place it takes, until a request with it has shown that it works.
    pub replaces: Option<String>,
}

/// When a key was made, and who says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Created {
    /// The server.
    Reported(Timestamp),
    /// Whoever logged in with it.
    Stated(Timestamp),
}

/// One login with its key.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Profile {
    /// Its name.
    pub name: String,
    /// The base URL the key is for.
    pub base_url: String,
    /// The key.
    pub key: ApiKey,
    /// Where the key is kept.
    pub storage: Storage,
    /// What is known of the key.
    pub details: KeyDetails,
    /// When this key was first stored here.
    pub first_seen: Timestamp,
}

impl Profile {
    /// Makes a profile of a key that was checked just now, to be kept in the file.
    #[must_use]
    pub fn new(name: &str, base_url: &str, key: ApiKey, first_seen: Timestamp) -> Self {
        Self {
            name: name.to_owned(),
            base_url: base_url.to_owned(),
            key,
            storage: Storage::File,
            details: KeyDetails::default(),
            first_seen,
        }
    }

    /// Tells whether a name can be a profile's: 1 to 64 letters, digits, `-`, `_` or `.`.
    #[must_use]
    pub fn is_valid_name(name: &str) -> bool {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        (1..=64).contains(&name.len()) && name.chars().all(plain)
    }

    /// Adds what is known of the key.
    #[must_use]
    pub fn with_details(mut self, details: KeyDetails) -> Self {
        self.details = details;
        self
    }

    /// Sets where the key is to be kept.
    #[must_use]
    pub fn with_storage(mut self, storage: Storage) -> Self {
        self.storage = storage;
        self
    }
}

/// One login as the file tells of it, without asking a keyring for its key.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ProfileEntry {
    /// Its name.
    pub name: String,
    /// The base URL the key is for.
    pub base_url: String,
    /// Where the key is kept.
    pub storage: Storage,
    /// What is known of the key.
    pub details: KeyDetails,
    /// When this key was first stored here.
    pub first_seen: Timestamp,
    /// The key, if the file holds it.
    pub(crate) key: Option<ApiKey>,
}

impl ProfileEntry {
    /// Returns the key as it may be shown, if the file holds it, see [`redact`](crate::redact).
    #[must_use]
    pub fn redacted(&self) -> Option<String> {
        self.key.as_ref().map(ApiKey::redacted)
    }

    /// Tells whether nobody logged in between these two; a key in the keyring is known by when it was first stored.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        let is_same_key = match (&self.key, &other.key) {
            (Some(key), Some(other)) => key.is_same(other),
            (key, other) => key.is_none() && other.is_none(),
        };
        is_same_key
            && self.base_url == other.base_url
            && self.details == other.details
            && self.first_seen == other.first_seen
    }

    pub(super) fn of(profile: &Profile) -> Self {
        Self {
            name: profile.name.clone(),
            base_url: profile.base_url.clone(),
            storage: profile.storage,
            details: profile.details.clone(),
            first_seen: profile.first_seen,
            key: (profile.storage == Storage::File).then(|| profile.key.clone()),
        }
    }

    pub(super) fn with_key(self, key: ApiKey) -> Profile {
        Profile::new(&self.name, &self.base_url, key, self.first_seen)
            .with_details(self.details)
            .with_storage(self.storage)
    }
}

/// What [`FileStore::remove_all`](super::FileStore::remove_all) has removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RemovedProfiles {
    /// How many profiles there were; each file that could not be read counts as one.
    pub count: usize,
    /// Whether there was a file that could not be read: keys of its profiles may still be in the keyring.
    pub was_unreadable: bool,
}

/// The profiles of a store by their names, and which is the current one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Contents {
    pub(crate) current: Option<String>,
    pub(crate) profiles: BTreeMap<String, ProfileEntry>,
}

impl Contents {
    /// Returns the name that is asked for, or else the current one, if there is a profile of that name.
    pub(super) fn find(&self, name: Option<&str>) -> Option<String> {
        let name = name.or(self.current.as_deref())?;
        self.profiles.contains_key(name).then(|| name.to_owned())
    }
}

/// The profiles of the credential store as one reading of its file found them; no keyring is asked.
#[derive(Clone, Debug, Default)]
pub struct Profiles {
    contents: Contents,
}

impl Profiles {
    pub(super) fn new(contents: Contents) -> Self {
        Self { contents }
    }

    /// Returns the profile of this name, or the current one.
    #[must_use]
    pub fn entry(&self, name: Option<&str>) -> Option<&ProfileEntry> {
        let name = name.or(self.contents.current.as_deref())?;
        self.contents.profiles.get(name)
    }

    /// Returns the name of the current profile.
    #[must_use]
    pub fn current(&self) -> Option<&str> {
        Some(self.entry(None)?.name.as_str())
    }

    /// Returns every profile, by name.
    pub fn iter(&self) -> impl Iterator<Item = &ProfileEntry> {
        self.contents.profiles.values()
    }

    /// Returns true if there is no profile.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.contents.profiles.is_empty()
    }
}
