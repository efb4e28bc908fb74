//! Handles the operations on owners.

use hh_api::types::{CreateOwner, DisabledOwner, Empty, Owner, OwnerList, OwnerRef};
use hh_auth::Projects;

use super::Call;
use super::keys::owner_name;
use crate::app::App;
use crate::auth::Access;
use crate::http::error::ApiError;
use crate::store as command;

/// Creates an owner.
pub(super) async fn create_owner(
    app: &App,
    call: Call,
    input: CreateOwner,
) -> Result<Owner, ApiError> {
    check_reach(&call.access)?;
    let name = owner_name(app, "name", &input.name)?;
    Ok(app
        .store
        .write(&call.access, command::CreateOwner { name })
        .await?)
}

/// Lists the owners.
pub(super) async fn list_owners(app: &App, call: Call, _: Empty) -> Result<OwnerList, ApiError> {
    check_reach(&call.access)?;
    let owners = app.store.read(&call.access, command::ListOwners).await?;
    Ok(OwnerList { owners })
}

/// Disables an owner. After the response, no request with a key of that owner succeeds.
pub(super) async fn disable_owner(
    app: &App,
    call: Call,
    input: OwnerRef,
) -> Result<DisabledOwner, ApiError> {
    check_reach(&call.access)?;
    let disable = command::DisableOwner { id: input.id };
    let disabled = app.store.write(&call.access, disable).await?;
    Ok(DisabledOwner {
        owner: disabled.value,
        revoked_keys: disabled.changes.revoked.len() as u64,
    })
}

/// Enables an owner. The keys of the owner stay revoked, and new ones can be created.
pub(super) async fn enable_owner(
    app: &App,
    call: Call,
    input: OwnerRef,
) -> Result<Owner, ApiError> {
    check_reach(&call.access)?;
    let enable = command::EnableOwner { id: input.id };
    Ok(app.store.write(&call.access, enable).await?)
}

/// Checks that a key applies to all projects, because the keys of an owner may apply to any project.
fn check_reach(access: &Access) -> Result<(), ApiError> {
    if access.record().grant.projects == Projects::All {
        return Ok(());
    }
    Err(ApiError::forbidden(
        "this key does not apply to all projects; use a key for all projects to manage owners",
    ))
}
