use super::test_response::empty;
use crate::types::{self, DisabledOwner, Empty, Owner, OwnerList, OwnerRef};

operations! { ($) owners
    /// Creates an owner of API keys: a user or a service account.
    CreateOwner {
        // A second request is a conflict, so the client must not retry.
        need: admin, retry: never, keys: [project],
        routes: [v1 POST "/v1/owners"],
        input: types::CreateOwner, output: Owner,
    }
    /// Lists the owners of API keys.
    ListOwners {
        need: admin, retry: safe, keys: [project],
        routes: [v1 GET "/v1/owners"],
        input: Empty, output: OwnerList,
        test: empty,
    }
    /// Disables an owner and revokes all keys of the owner.
    DisableOwner {
        need: admin, retry: safe, keys: [project],
        routes: [v1 POST "/v1/owners/{id}/disable"],
        input: OwnerRef, output: DisabledOwner,
        body: none,
    }
    /// Enables a disabled owner, so that new keys can be created for the owner. Revoked keys stay revoked.
    EnableOwner {
        need: admin, retry: safe, keys: [project],
        routes: [v1 POST "/v1/owners/{id}/enable"],
        input: OwnerRef, output: Owner,
        body: none,
    }
}
