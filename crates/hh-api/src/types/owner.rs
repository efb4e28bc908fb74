use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Principal;

/// An owner of keys to create.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[expect(
    clippy::exhaustive_structs,
    reason = "both sides build it, every member is on the wire"
)]
pub struct CreateOwner {
    /// A user's e-mail address or a service account's name.
    pub name: String,
}

/// A user or service account that keys act for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "the server builds it, every member is on the wire"
)]
pub struct Owner {
    /// The id.
    pub id: String,
    /// The user or service account.
    #[serde(flatten)]
    pub principal: Principal,
    /// When it was created.
    #[cfg_attr(feature = "schema", schemars(with = "super::schema::Time"))]
    pub created_at: Timestamp,
    /// When it was disabled. No key of a disabled owner works, and no key can be created for it.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "Option<super::schema::Time>"))]
    pub disabled_at: Option<Timestamp>,
    /// The number of its keys that work.
    pub active_keys: u64,
}

/// The id of an owner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "both sides build it, every member is on the wire"
)]
pub struct OwnerRef {
    /// The id.
    pub id: String,
}

/// The owners.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "the server builds it, every member is on the wire"
)]
pub struct OwnerList {
    /// The owners in the order of their names.
    pub owners: Vec<Owner>,
}

/// An owner that was disabled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "the server builds it, every member is on the wire"
)]
pub struct DisabledOwner {
    /// The owner.
    #[serde(flatten)]
    pub owner: Owner,
    /// The number of keys that were revoked.
    pub revoked_keys: u64,
}
