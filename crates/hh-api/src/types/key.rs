use hh_auth::Level;
use jiff::Timestamp;
use secrecy::SecretString;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Names of projects, or all of them (`"all"` on the wire).
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "both sides must handle both cases")]
pub enum ProjectNames {
    /// Every project.
    All,
    /// These.
    Only(Vec<String>),
}

impl Serialize for ProjectNames {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::All => serializer.serialize_str("all"),
            Self::Only(names) => names.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for ProjectNames {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Wire {
            Word(String),
            List(Vec<String>),
        }
        match Wire::deserialize(deserializer) {
            Ok(Wire::Word(word)) if word == "all" => Ok(Self::All),
            Ok(Wire::List(names)) => Ok(Self::Only(names)),
            Ok(Wire::Word(_)) | Err(_) => Err(D::Error::custom(
                "projects must be \"all\" or a list of names",
            )),
        }
    }
}

mod level {
    use super::{Deserialize, Deserializer, Level, Serializer};
    use serde::de::Error as _;

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
    pub(super) fn serialize<S: Serializer>(
        level: &Level,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(level.as_str())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Level, D::Error> {
        let name = String::deserialize(deserializer)?;
        Level::find(&name).ok_or_else(|| {
            let names = Level::ALL.map(Level::as_str).join(", ");
            D::Error::custom(format!("level must be one of {names}"))
        })
    }
}

/// What a principal is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PrincipalKind {
    /// A person.
    User,
    /// A program.
    ServiceAccount,
}

/// Who a key acts for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(
    clippy::exhaustive_structs,
    reason = "the server builds it, every member is on the wire"
)]
pub struct Principal {
    /// What it is.
    #[serde(rename = "type")]
    pub kind: PrincipalKind,
    /// A user's e-mail address or a service account's name.
    pub name: String,
}

impl Principal {
    /// Reads an owner: an e-mail address is a user, anything else a service account.
    #[must_use]
    pub fn of(name: &str) -> Self {
        let kind = if name.contains('@') {
            PrincipalKind::User
        } else {
            PrincipalKind::ServiceAccount
        };
        Self {
            kind,
            name: name.to_owned(),
        }
    }
}

/// A key to mint (decisions V7).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(
    clippy::exhaustive_structs,
    reason = "both sides build it, every member is on the wire"
)]
pub struct CreateKey {
    /// What it is for.
    pub name: String,
    /// Its level.
    #[serde(with = "level")]
    pub level: Level,
    /// Where it applies.
    pub projects: ProjectNames,
    /// When it ends, if ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// Who it acts for: an e-mail address or a service account's name; the issuer unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// Whatever its people should know: one line of 1 to 500 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// How a key is to be rotated.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(
    clippy::exhaustive_structs,
    reason = "both sides build it, every member is on the wire"
)]
pub struct RotateKey {
    /// How long the old key works on once the new one is used, in seconds: 0 to 604,800 (7 days), 24 hours unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grace_seconds: Option<u32>,
}

/// Whether a key still works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum KeyState {
    /// It works.
    Active,
    /// It ended by its date.
    Expired,
    /// It was revoked.
    Revoked,
    /// Another key took its place, and its grace is over.
    Replaced,
}

/// A key as it may be shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(
    clippy::exhaustive_structs,
    reason = "the server builds it, every member is on the wire"
)]
pub struct Key {
    /// Its id, not a secret.
    pub id: String,
    /// What it is for.
    pub name: String,
    /// Its masked text.
    pub shown: String,
    /// Its level.
    #[serde(with = "level")]
    pub level: Level,
    /// Where it applies.
    pub projects: ProjectNames,
    /// Who it acts for.
    pub owner: Principal,
    /// Whether it still works.
    pub state: KeyState,
    /// When it was minted.
    pub created_at: Timestamp,
    /// When it ends, if ever.
    #[serde(default)]
    pub expires_at: Option<Timestamp>,
    /// What its people should know.
    #[serde(default)]
    pub note: Option<String>,
    /// When a request with it was last accepted, if ever.
    #[serde(default)]
    pub last_used_at: Option<Timestamp>,
    /// The id of the key that takes its place.
    #[serde(default)]
    pub replaced_by: Option<String>,
    /// When it ends since another takes its place; not known before that one is used.
    #[serde(default)]
    pub grace_ends_at: Option<Timestamp>,
    /// The id of the key whose place it takes.
    #[serde(default)]
    pub replaces: Option<String>,
}

/// A page of the keys that a key may manage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(
    clippy::exhaustive_structs,
    reason = "the server builds it, every member is on the wire"
)]
pub struct KeyList {
    /// The latest first.
    pub keys: Vec<Key>,
    /// The cursor of the next page, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// A key that was just minted, with the only copy of its text.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[expect(
    clippy::exhaustive_structs,
    reason = "the server builds it, every member is on the wire"
)]
pub struct CreatedKey {
    /// The text, shown this once.
    #[serde(rename = "key", serialize_with = "reveal")]
    pub secret: SecretString,
    /// All that may be shown again.
    #[serde(flatten)]
    pub key: Key,
}

/// What comes of a request for a new key.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(untagged)]
#[expect(clippy::exhaustive_enums, reason = "both sides must handle both cases")]
pub enum Minted {
    /// The key.
    Created(CreatedKey),
    /// An earlier request with the same `Idempotency-Key` made it; the text went out with that answer alone.
    Repeated(Key),
}

#[expect(
    clippy::disallowed_methods,
    reason = "the answer that mints a key is the one place where its text goes out"
)]
fn reveal<S: Serializer>(secret: &SecretString, serializer: S) -> Result<S::Ok, S::Error> {
    use secrecy::ExposeSecret as _;
    serializer.serialize_str(secret.expose_secret())
}

/// Who the key of the request acts for, and what it may do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(
    clippy::exhaustive_structs,
    reason = "the server builds it, every member is on the wire"
)]
pub struct Whoami {
    /// Who.
    pub principal: Principal,
    /// The organization's name.
    pub organization: String,
    /// The level's name for people.
    pub permissions: String,
    /// The key.
    pub key: Key,
}
