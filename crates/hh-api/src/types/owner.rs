use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Principal;

/// An owner of keys to create.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(
    clippy::exhaustive_structs,
    reason = "both sides build it, every member is on the wire"
)]
pub struct CreateOwner {
    /// A user's e-mail address or a service account's name.
    pub name: String,
}

/// Somebody, or a program, that keys act for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(
    clippy::exhaustive_structs,
    reason = "the server builds it, every member is on the wire"
)]
pub struct Owner {
    /// Its id.
    pub id: String,
    /// Who it is.
    #[serde(flatten)]
    pub principal: Principal,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was disabled, if it was: no key of it works, and none can be made.
    #[serde(default)]
    pub disabled_at: Option<Timestamp>,
    /// How many of its keys work.
    pub active_keys: u64,
}

/// The owners.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(
    clippy::exhaustive_structs,
    reason = "the server builds it, every member is on the wire"
)]
pub struct OwnerList {
    /// In order of their names.
    pub owners: Vec<Owner>,
}

/// An owner that is disabled now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(
    clippy::exhaustive_structs,
    reason = "the server builds it, every member is on the wire"
)]
pub struct DisabledOwner {
    /// The owner.
    #[serde(flatten)]
    pub owner: Owner,
    /// How many keys this revoked.
    pub revoked_keys: u64,
}
