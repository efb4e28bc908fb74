//! Information about the key in use: its level, age and expiry.

use hh_config::{Provenance, Source};
use jiff::{SignedDuration, Timestamp};

use crate::{Created, Credential, KeyDetails, KeyKind, Level, ProfileEntry};

/// Information about a key. It contains no secret.
///
/// # Examples
/// ```
/// use hh_auth::{ApiKey, Credential, KeyInfo, Level, LevelSource};
/// use hh_config::{Origin, Provenance, Source};
///
/// let key = ApiKey::parse("hh_ro_1234567890abcdef1234567890abcdef")?;
/// let origin = Origin::parse("https://api.honeyhive.ai").unwrap();
/// let credential = Credential::new(key, origin, Provenance::new(Source::Env, None));
/// let info = KeyInfo::of(&credential);
/// assert_eq!(info.level, Some((Level::ReadOnly, LevelSource::Prefix)));
/// assert_eq!(info.age(jiff::Timestamp::now()), None);
/// # Ok::<(), hh_auth::KeyError>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct KeyInfo {
    /// The kind of the key.
    pub kind: KeyKind,
    /// The redacted text of the key (see [`redact`](crate::redact)).
    pub redacted: String,
    /// The key id on the server, if it is known. An ingestion key contains its key id.
    pub id: Option<String>,
    /// The provenance of the key.
    pub provenance: Provenance,
    /// The owner of the key, if the server reported it.
    pub owner: Option<String>,
    /// The level of the key and the source of this information.
    pub level: Option<(Level, LevelSource)>,
    /// The creation time of the key and the source of this information.
    pub created: Option<(Timestamp, CreatedSource)>,
    /// The expiry of the key, if it is known.
    pub expires_at: Option<Timestamp>,
}

/// The source of the level of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LevelSource {
    /// The prefix of the key.
    Prefix,
    /// The server.
    Server,
}

impl LevelSource {
    /// Returns the name of the source: `prefix` or `server`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Prefix => "prefix",
            Self::Server => "server",
        }
    }
}

/// The source of the creation time of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CreatedSource {
    /// The server.
    Server,
    /// The user who logged in with the key.
    Stated,
    /// The time at which the key was first stored in the credential store. The key is at least that old.
    FirstSeen,
}

impl CreatedSource {
    /// Returns the name of the source: `server`, `stated` or `first_seen`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Stated => "stated",
            Self::FirstSeen => "first_seen",
        }
    }
}

impl KeyInfo {
    /// Returns the information that the credential contains.
    #[must_use]
    pub fn of(credential: &Credential) -> Self {
        let key = &credential.key;
        let kind = key.kind();
        let prefix = match kind {
            KeyKind::ReadOnly => Some(Level::ReadOnly),
            KeyKind::Ingestion => Some(Level::IngestOnly),
            KeyKind::Project | KeyKind::DataPlane | KeyKind::ControlPlane | _ => None,
        };
        Self {
            kind,
            redacted: key.redacted(),
            id: key.key_id().map(str::to_owned),
            provenance: credential.provenance.clone(),
            owner: None,
            level: prefix.map(|level| (level, LevelSource::Prefix)),
            created: None,
            expires_at: credential.expires_at,
        }
    }

    /// Adds the information of a stored profile, if the profile has this key. `credential` must be the credential that
    /// was passed to [`KeyInfo::of`].
    #[must_use]
    pub fn with_profile(self, profile: &ProfileEntry, credential: &Credential) -> Self {
        let is_stored = credential.provenance.source() == Source::Stored;
        let same = profile.key.as_ref();
        if !is_stored && !same.is_some_and(|key| key.is_same(&credential.key)) {
            return self;
        }
        let first_seen = (profile.first_seen, CreatedSource::FirstSeen);
        Self {
            created: Some(first_seen),
            ..self
        }
        .with_details(&profile.details)
    }

    /// Adds the details of the key. They take precedence over existing information.
    #[must_use]
    pub fn with_details(self, details: &KeyDetails) -> Self {
        let created = details.created.map(|created| match created {
            Created::Reported(time) => (time, CreatedSource::Server),
            Created::Stated(time) => (time, CreatedSource::Stated),
        });
        let level = details.level.map(|level| (level, LevelSource::Server));
        Self {
            id: details.id.clone().or(self.id),
            owner: details.owner.clone().or(self.owner),
            level: level.or(self.level),
            created: created.or(self.created),
            expires_at: details.expires_at.or(self.expires_at),
            ..self
        }
    }

    /// Returns the age of the key at the time `now`, or its minimum age if only the time of its first storage is known.
    ///
    /// Returns `None` if neither time is known.
    #[must_use]
    pub fn age(&self, now: Timestamp) -> Option<SignedDuration> {
        let (created, _) = self.created?;
        Some(now.duration_since(created))
    }
}
