//! What is known of the key in use beside its text: what it may do, how old it is, until when it works.

use hh_config::{Provenance, Source};
use jiff::{SignedDuration, Timestamp};

use crate::{Created, Credential, KeyDetails, KeyKind, Level, ProfileEntry};

/// What is known of a key, each fact with who says so; nothing of it is a secret.
///
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
    /// Its kind.
    pub kind: KeyKind,
    /// Its text as it may be shown, see [`redact`](crate::redact).
    pub redacted: String,
    /// The server's id of it; that of a typed key is a part of its text.
    pub id: Option<String>,
    /// Where it came from.
    pub provenance: Provenance,
    /// Who it acts for, if the server told.
    pub owner: Option<String>,
    /// What it may do, and who says so.
    pub level: Option<(Level, LevelSource)>,
    /// When it was made, and who says so.
    pub created: Option<(Timestamp, CreatedSource)>,
    /// When it ends, if the server told.
    pub expires_at: Option<Timestamp>,
}

/// Who says what level a key has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LevelSource {
    /// The text of the key begins so.
    Prefix,
    /// The server.
    Server,
}

impl LevelSource {
    /// Returns the words that people see.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Prefix => "prefix",
            Self::Server => "server",
        }
    }
}

/// Who says when a key was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CreatedSource {
    /// The server.
    Server,
    /// Whoever logged in with it.
    Stated,
    /// Nobody: it was stored here at that time, so it is at least that old.
    FirstSeen,
}

impl CreatedSource {
    /// Returns the word that programs see.
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
    /// Tells what the key itself says.
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

    /// Adds what a stored profile knows, if its key is this one: `credential` is what this was made of.
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

    /// Adds what somebody told, which counts more than what was known.
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

    /// Returns how old the key is, or how old it is at least if nobody told when it was made.
    #[must_use]
    pub fn age(&self, now: Timestamp) -> Option<SignedDuration> {
        let (created, _) = self.created?;
        Some(now.duration_since(created))
    }
}
