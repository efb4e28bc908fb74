//! Implements the calls on owners of API keys.

use hh_api::operations as op;
use hh_api::types::{CreateOwner, DisabledOwner, Empty, Owner, OwnerRef};

use crate::{Error, HoneyHive};

impl HoneyHive {
    /// Lists the owners of API keys.
    ///
    /// # Errors
    /// The [errors of every call](HoneyHive#errors).
    pub async fn list_owners(&self) -> Result<Vec<Owner>, Error> {
        Ok(self.send::<op::ListOwners>(Empty {}).await?.owners)
    }

    /// Creates an owner of API keys.
    ///
    /// # Errors
    /// The [errors of every call](HoneyHive#errors), and `Conflict` if an owner with this name exists.
    pub async fn create_owner(&self, owner: &CreateOwner) -> Result<Owner, Error> {
        self.send::<op::CreateOwner>(owner.clone()).await
    }

    /// Disables the owner with this id: revokes all keys of the owner and prevents the creation of new ones.
    ///
    /// # Errors
    /// The [errors of every call](HoneyHive#errors), and `Conflict` if the key of the client belongs to this owner.
    pub async fn disable_owner(&self, id: &str) -> Result<DisabledOwner, Error> {
        self.send::<op::DisableOwner>(OwnerRef { id: id.to_owned() })
            .await
    }

    /// Enables a disabled owner, so that new keys can be created for the owner. Revoked keys stay revoked.
    ///
    /// # Errors
    /// The [errors of every call](HoneyHive#errors).
    pub async fn enable_owner(&self, id: &str) -> Result<Owner, Error> {
        self.send::<op::EnableOwner>(OwnerRef { id: id.to_owned() })
            .await
    }
}
