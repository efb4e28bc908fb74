use axum::body::Body;
use hh_api::types::{CreateOwner, DisabledOwner, OwnerList};
use hh_auth::Projects;
use http::{Request, Response};

use super::keys::owner_name;
use super::read_json;
use crate::access::Access;
use crate::app::App;
use crate::error::{ApiError, json};

/// Creates an owner.
pub(crate) async fn create_owner(
    app: &App,
    access: &Access,
    request: Request<Body>,
) -> Result<Response<Body>, ApiError> {
    let (wanted, _hold) = read_json::<CreateOwner>(app, access, request).await?;
    check_reach(access)?;
    let name = owner_name(app, "name", &wanted.name)?;
    Ok(json(&app.store.create_owner(access, name).await?))
}

pub(crate) async fn list_owners(app: &App, access: &Access) -> Result<Response<Body>, ApiError> {
    check_reach(access)?;
    let owners = app.store.list_owners(access).await?;
    Ok(json(&OwnerList { owners }))
}

/// Disables an owner; when the answer is out, no request with any key of it succeeds any more.
pub(crate) async fn disable_owner(
    app: &App,
    access: &Access,
    id: &str,
) -> Result<Response<Body>, ApiError> {
    check_reach(access)?;
    let (owner, revoked_keys) = app.store.disable_owner(access, id).await?;
    Ok(json(&DisabledOwner {
        owner,
        revoked_keys,
    }))
}

/// An owner's keys may be for any project.
fn check_reach(access: &Access) -> Result<(), ApiError> {
    if access.record().grant.projects == Projects::All {
        return Ok(());
    }
    Err(ApiError::forbidden(
        "this key applies to some projects only; owners take a key for all projects",
    ))
}
