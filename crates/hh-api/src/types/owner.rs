use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Principal;

/// An owner to create.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[expect(
    clippy::exhaustive_structs,
    reason = "the client and the server create it; all of its fields are sent"
)]
pub struct CreateOwner {
    /// The email address of a user, or the name of a service account.
    pub name: String,
}

/// An owner of API keys: a user or a service account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "the server creates it; all of its fields are sent"
)]
pub struct Owner {
    /// The id of the owner.
    pub id: String,
    /// The user or service account.
    #[serde(flatten)]
    pub principal: Principal,
    /// The time when the owner was created.
    #[cfg_attr(feature = "schema", schemars(with = "super::schema::Time"))]
    pub created_at: Timestamp,
    /// The time when the owner was disabled; null if the owner is active. The keys of a disabled owner are revoked, and
    /// new keys are rejected.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "Option<super::schema::Time>"))]
    pub disabled_at: Option<Timestamp>,
    /// The number of active keys of the owner.
    pub active_keys: u64,
}

/// A reference to an owner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "the client and the server create it; all of its fields are sent"
)]
pub struct OwnerRef {
    /// The id of the owner.
    pub id: String,
}

/// A list of owners.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "the server creates it; all of its fields are sent"
)]
pub struct OwnerList {
    /// The owners, ordered by name.
    pub owners: Vec<Owner>,
}

/// The result of disabling an owner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "the server creates it; all of its fields are sent"
)]
pub struct DisabledOwner {
    /// The disabled owner.
    #[serde(flatten)]
    pub owner: Owner,
    /// The number of keys that were revoked.
    pub revoked_keys: u64,
}
