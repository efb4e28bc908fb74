use hh_auth::Level;
use jiff::Timestamp;
use secrecy::SecretString;
use serde::de::{Error as _, Unexpected};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Change;
use super::common::not_null;

/// A set of projects: all (`"all"` in the API), or a list of names.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_enums,
    reason = "the client and the server must handle both cases"
)]
pub enum ProjectNames {
    /// All projects.
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

/// Serializes a permission level as its name.
mod level {
    use serde::de::{Error as _, Unexpected};

    use super::{Deserialize, Deserializer, Level, Serializer};

    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "the signature is that of serde"
    )]
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
    reason = "the server creates it; all of its fields are sent"
)]
pub struct Principal {
    /// The kind of the principal.
    #[serde(rename = "type")]
    pub kind: PrincipalKind,
    /// The email address of a user, or the name of a service account.
    pub name: String,
}

impl Principal {
    /// Creates a principal from its name: a name with `@` is a user, any other name a service account.
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
    reason = "the client and the server create it; all of its fields are sent"
)]
pub struct CreateKey {
    /// The name of the key, which describes its purpose: one line of 1 to 100 characters.
    pub name: String,
    /// The permission level.
    #[serde(with = "level")]
    #[cfg_attr(feature = "schema", schemars(with = "super::schema::LevelName"))]
    pub level: Level,
    /// The projects that the key applies to.
    pub projects: ProjectNames,
    /// The time when the key expires; never by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<super::schema::Time>"))]
    pub expires_at: Option<Timestamp>,
    /// The owner: the email address of a user, or the name of a service account. The default is the owner of the key
    /// that sends the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// A free-form note: one line of 1 to 500 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// A key to replace, and its grace period.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[expect(
    clippy::exhaustive_structs,
    reason = "the client and the server create it; all of its fields are sent"
)]
pub struct RotateKey {
    /// The id of the key to replace.
    pub id: String,
    /// The grace period, in seconds: how long the old key works after the first use of the new one. The range is 0 to
    /// 604,800 (7 days), the default 86,400 (24 hours).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grace_seconds: Option<u32>,
}

/// A change of a key. The level and the projects of a key cannot be changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[expect(
    clippy::exhaustive_structs,
    reason = "the client and the server create it; all of its fields are sent"
)]
pub struct UpdateKey {
    /// The id of the key to change.
    pub id: String,
    /// The new name of the key: one line of 1 to 100 characters.
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub name: Option<String>,
    /// The new note: one line of 1 to 500 characters. Null removes the note.
    #[serde(default, skip_serializing_if = "Change::is_keep")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub note: Change<String>,
    /// The new expiry, which must be in the future and cannot be later than the current one.
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "schema", schemars(with = "super::schema::Time"))]
    pub expires_at: Option<Timestamp>,
}

/// A reference to a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "the client and the server create it; all of its fields are sent"
)]
pub struct KeyRef {
    /// The id of the key.
    pub id: String,
}

/// A query for a page of keys.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "the client and the server create it; all of its fields are sent"
)]
pub struct ListKeys {
    /// The maximum number of keys on the page: 1 to 1,000, 100 by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// The cursor: `next` of the previous page. Absent for the first page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// Whether to include expired, revoked and replaced keys; false by default.
    #[serde(default)]
    pub ended: bool,
}

/// The state of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum KeyState {
    /// The key can be used.
    Active,
    /// The key expired.
    Expired,
    /// The key was revoked.
    Revoked,
    /// Another key replaced the key, and the grace period is over.
    Replaced,
}

/// An API key without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "the server creates it; all of its fields are sent"
)]
pub struct Key {
    /// The id of the key, which is not a secret.
    pub id: String,
    /// The name of the key.
    pub name: String,
    /// The redacted text of the key.
    pub shown: String,
    /// The permission level.
    #[serde(with = "level")]
    #[cfg_attr(feature = "schema", schemars(with = "super::schema::LevelName"))]
    pub level: Level,
    /// The projects that the key applies to.
    pub projects: ProjectNames,
    /// The user or service account that owns the key.
    pub owner: Principal,
    /// The state of the key.
    pub state: KeyState,
    /// The time when the key was created.
    #[cfg_attr(feature = "schema", schemars(with = "super::schema::Time"))]
    pub created_at: Timestamp,
    /// The time when the key expires; null if it never expires.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "Option<super::schema::Time>"))]
    pub expires_at: Option<Timestamp>,
    /// The free-form note; null if the key has no note.
    #[serde(default)]
    pub note: Option<String>,
    /// The time of the last accepted request with the key; null before the first one.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "Option<super::schema::Time>"))]
    pub last_used_at: Option<Timestamp>,
    /// The id of the key that replaces this key; null if this key was not replaced.
    #[serde(default)]
    pub replaced_by: Option<String>,
    /// The grace period, in seconds: how long this key works after the first use of the key that replaces it; null if
    /// this key was not replaced.
    #[serde(default)]
    pub grace_seconds: Option<u32>,
    /// The end of the grace period; null until the first use of the key that replaces this key.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "Option<super::schema::Time>"))]
    pub grace_ends_at: Option<Timestamp>,
    /// The id of the key that this key replaces; null if it replaces no key.
    #[serde(default)]
    pub replaces: Option<String>,
}

/// A page of the keys that the key of the request can manage.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "the server creates it; all of its fields are sent"
)]
pub struct KeyList {
    /// The keys, newest first.
    pub keys: Vec<Key>,
    /// The cursor of the next page; absent on the last page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// A new API key with its secret.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "the server creates it; all of its fields are sent"
)]
pub struct CreatedKey {
    /// The secret. No other response contains it.
    #[serde(rename = "key", serialize_with = "reveal")]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub secret: SecretString,
    /// The key without its secret.
    #[serde(flatten)]
    pub key: Key,
}

/// The response to a request that creates a key.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged)]
#[expect(
    clippy::exhaustive_enums,
    reason = "the client and the server must handle both cases"
)]
pub enum CreateKeyResponse {
    /// The new key.
    Created(CreatedKey),
    /// The key that an earlier request with the same `Idempotency-Key` created, without its secret.
    Repeated(Key),
}

/// Serializes the secret of a new key.
#[expect(
    clippy::disallowed_methods,
    reason = "only the response that creates a key contains its secret"
)]
fn reveal<S: Serializer>(secret: &SecretString, serializer: S) -> Result<S::Ok, S::Error> {
    use secrecy::ExposeSecret as _;
    serializer.serialize_str(secret.expose_secret())
}

/// The owner and the permissions of the key in the request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "the server creates it; all of its fields are sent"
)]
pub struct Whoami {
    /// The user or service account that owns the key.
    pub principal: Principal,
    /// The name of the organization.
    pub organization: String,
    /// The display name of the permission level.
    pub permissions: String,
    /// The key without its secret.
    pub key: Key,
}
