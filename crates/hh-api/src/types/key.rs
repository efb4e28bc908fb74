use hh_auth::Level;
use jiff::Timestamp;
use secrecy::SecretString;
use serde::de::{Error as _, Unexpected};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Names of projects, or all projects (`"all"` on the wire).
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "both sides must handle both cases")]
pub enum ProjectNames {
    /// Every project.
    All,
    /// The projects with these names.
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
            Ok(Wire::Word(_)) | Err(_) => Err(D::Error::invalid_value(
                Unexpected::Other("projects"),
                &"\"all\" or a list of names",
            )),
        }
    }
}

mod level {
    use serde::de::{Error as _, Unexpected};

    use super::{Deserialize, Deserializer, Level, Serializer};

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
            let rule = format!("one of {names}");
            D::Error::invalid_value(Unexpected::Other("level"), &rule.as_str())
        })
    }
}

/// The kind of a principal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PrincipalKind {
    /// A person.
    User,
    /// A program.
    ServiceAccount,
}

/// The user or service account that a key acts for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "the server builds it, every member is on the wire"
)]
pub struct Principal {
    /// The kind.
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

/// A key to create.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[expect(
    clippy::exhaustive_structs,
    reason = "both sides build it, every member is on the wire"
)]
pub struct CreateKey {
    /// The name, which says what the key is for: one line of 1 to 100 characters.
    pub name: String,
    /// The permission level.
    #[serde(with = "level")]
    #[cfg_attr(feature = "schema", schemars(with = "super::schema::LevelName"))]
    pub level: Level,
    /// The projects that the key applies to.
    pub projects: ProjectNames,
    /// When the key expires; never by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<super::schema::Time>"))]
    pub expires_at: Option<Timestamp>,
    /// The owner: an e-mail address or the name of a service account; the owner of the key of the request by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// A note: one line of 1 to 500 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// The key to replace, and for how long it keeps working.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[expect(
    clippy::exhaustive_structs,
    reason = "both sides build it, every member is on the wire"
)]
pub struct RotateKey {
    /// The id of the key to replace.
    pub id: String,
    /// How long the old key keeps working after the first use of the new one, in seconds: 0 to 604,800 (7 days);
    /// 86,400 (24 hours) by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grace_seconds: Option<u32>,
}

/// The id of a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "both sides build it, every member is on the wire"
)]
pub struct KeyRef {
    /// The id.
    pub id: String,
}

/// Which keys to list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "both sides build it, every member is on the wire"
)]
pub struct ListKeys {
    /// The number of keys on a page, 1 to 1,000; 100 by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// The `next` member of the previous page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// Whether to include keys that do not work anymore; false by default.
    #[serde(default)]
    pub ended: bool,
}

/// Whether a key still works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum KeyState {
    /// It works.
    Active,
    /// Its expiry has passed.
    Expired,
    /// It was revoked.
    Revoked,
    /// Another key replaced it, and its grace period is over.
    Replaced,
}

/// A key without its text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "the server builds it, every member is on the wire"
)]
pub struct Key {
    /// The id, which is not a secret.
    pub id: String,
    /// The name.
    pub name: String,
    /// The masked text.
    pub shown: String,
    /// The permission level.
    #[serde(with = "level")]
    #[cfg_attr(feature = "schema", schemars(with = "super::schema::LevelName"))]
    pub level: Level,
    /// The projects that the key applies to.
    pub projects: ProjectNames,
    /// The owner.
    pub owner: Principal,
    /// Whether it still works.
    pub state: KeyState,
    /// When it was created.
    #[cfg_attr(feature = "schema", schemars(with = "super::schema::Time"))]
    pub created_at: Timestamp,
    /// When the key expires; never by default.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "Option<super::schema::Time>"))]
    pub expires_at: Option<Timestamp>,
    /// The note.
    #[serde(default)]
    pub note: Option<String>,
    /// When a request with it was last accepted.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "Option<super::schema::Time>"))]
    pub last_used_at: Option<Timestamp>,
    /// The id of the key that replaces it.
    #[serde(default)]
    pub replaced_by: Option<String>,
    /// When its grace period ends; unknown before the first use of the key that replaces it.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "Option<super::schema::Time>"))]
    pub grace_ends_at: Option<Timestamp>,
    /// The id of the key that it replaces.
    #[serde(default)]
    pub replaces: Option<String>,
}

/// A page of the keys that a key may manage.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "the server builds it, every member is on the wire"
)]
pub struct KeyList {
    /// The keys, newest first.
    pub keys: Vec<Key>,
    /// The cursor of the next page; absent on the last page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// A new key with its text.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "the server builds it, every member is on the wire"
)]
pub struct CreatedKey {
    /// The text of the key, which no other response contains.
    #[serde(rename = "key", serialize_with = "reveal")]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub secret: SecretString,
    /// The key without its text.
    #[serde(flatten)]
    pub key: Key,
}

/// The response to a request for a new key.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged)]
#[expect(clippy::exhaustive_enums, reason = "both sides must handle both cases")]
pub enum CreateKeyResponse {
    /// The new key.
    Created(CreatedKey),
    /// The key that an earlier request with the same `Idempotency-Key` created, without its text.
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

/// The owner and the permissions of the key of the request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "the server builds it, every member is on the wire"
)]
pub struct Whoami {
    /// The owner.
    pub principal: Principal,
    /// The name of the organization.
    pub organization: String,
    /// The display name of the permission level.
    pub permissions: String,
    /// The key.
    pub key: Key,
}
