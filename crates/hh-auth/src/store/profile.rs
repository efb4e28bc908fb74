//! Profiles, the named entries of the credential store.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;

use crate::{ApiKey, Level};

/// The place where the key of a profile is stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Storage {
    /// The file of the store, as plain text that only its owner can read.
    #[default]
    File,
    /// The system keyring.
    Keyring,
}

impl Storage {
    /// Returns the name of the storage in the file and on the command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Keyring => "keyring",
        }
    }

    /// Returns the storage with this name; `None` for an unknown name.
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

/// Information about a key, without its text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyDetails {
    /// The key id on the server, if the server reported it.
    pub id: Option<String>,
    /// The level of the key, if the server reported it.
    pub level: Option<Level>,
    /// The owner of the key, if the server reported it: the email address of a user or the name of a service account.
    pub owner: Option<String>,
    /// The creation time of the key, if it is known.
    pub created: Option<Created>,
    /// The expiry of the key, if the server reported it.
    pub expires_at: Option<Timestamp>,
    /// The key id of the key that this key replaces. It is set from a rotation until a request with this key has
    /// succeeded.
    pub replaces: Option<String>,
}

/// The creation time of a key, with its source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Created {
    /// The time that the server reported.
    Reported(Timestamp),
    /// The time that the user stated at login.
    Stated(Timestamp),
}

/// A profile: a saved login with its key.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Profile {
    /// The name of the profile.
    pub name: String,
    /// The base URL that the key is for.
    pub base_url: String,
    /// The key.
    pub key: ApiKey,
    /// The place where the key is stored.
    pub storage: Storage,
    /// The information about the key.
    pub details: KeyDetails,
    /// The time at which this key was first stored in the credential store.
    pub first_seen: Timestamp,
}

impl Profile {
    /// Creates a profile whose key is stored in the file. For a new key, `first_seen` is the current time.
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

    /// Returns whether a text is a valid profile name: 1 to 64 ASCII letters, digits, `-`, `_` or `.`.
    #[must_use]
    pub fn is_valid_name(name: &str) -> bool {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        (1..=64).contains(&name.len()) && name.chars().all(plain)
    }

    /// Sets the information about the key.
    #[must_use]
    pub fn with_details(mut self, details: KeyDetails) -> Self {
        self.details = details;
        self
    }

    /// Sets the place where the key is stored.
    #[must_use]
    pub fn with_storage(mut self, storage: Storage) -> Self {
        self.storage = storage;
        self
    }
}

/// A profile as the file contains it. If the key is in the keyring, the entry does not contain it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ProfileEntry {
    /// The name of the profile.
    pub name: String,
    /// The base URL that the key is for.
    pub base_url: String,
    /// The place where the key is stored.
    pub storage: Storage,
    /// The information about the key.
    pub details: KeyDetails,
    /// The time at which this key was first stored in the credential store.
    pub first_seen: Timestamp,
    /// The key, if its storage is the file.
    pub(crate) key: Option<ApiKey>,
}

impl ProfileEntry {
    /// Returns the redacted key (see [`redact`](crate::redact)), if the key is stored in the file.
    #[must_use]
    pub fn redacted(&self) -> Option<String> {
        self.key.as_ref().map(ApiKey::redacted)
    }

    /// Returns whether the two entries are from the same login. Keys in the keyring are compared by the time of their
    /// first storage.
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

/// The result of [`FileStore::remove_all`](super::FileStore::remove_all).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RemovedProfiles {
    /// The number of removed profiles, without those of unreadable files.
    pub count: usize,
    /// Whether a file was unreadable. Keys of its profiles may still be in the keyring.
    pub was_unreadable: bool,
}

/// The profiles of a store by name, and the name of the current profile.
#[derive(Clone, Debug, Default)]
pub(crate) struct Contents {
    pub(crate) current: Option<String>,
    pub(crate) profiles: BTreeMap<String, ProfileEntry>,
}

impl Contents {
    /// Returns the requested name, or that of the current profile, if such a profile exists.
    pub(super) fn find(&self, name: Option<&str>) -> Option<String> {
        let name = name.or(self.current.as_deref())?;
        self.profiles.contains_key(name).then(|| name.to_owned())
    }
}

/// All profiles of the credential store, from one read of the file. They do not contain keys of the keyring.
#[derive(Clone, Debug, Default)]
pub struct Profiles {
    contents: Contents,
}

impl Profiles {
    pub(super) fn new(contents: Contents) -> Self {
        Self { contents }
    }

    /// Returns the profile with this name, or the current profile if `name` is `None`.
    #[must_use]
    pub fn entry(&self, name: Option<&str>) -> Option<&ProfileEntry> {
        let name = name.or(self.contents.current.as_deref())?;
        self.contents.profiles.get(name)
    }

    /// Returns the name of the current profile, if there is one.
    #[must_use]
    pub fn current(&self) -> Option<&str> {
        Some(self.entry(None)?.name.as_str())
    }

    /// Returns all profiles, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = &ProfileEntry> {
        self.contents.profiles.values()
    }

    /// Returns whether there is no profile.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.contents.profiles.is_empty()
    }
}
