use axum::body::Body;
use hh_api::OpId;
use hh_api::types::RotateKey;
use hh_auth::mint;
use http::{Request, Response};

use super::keys::{answer, describe, idempotency_key, new_key, once, whole_millis};
use super::read_json_or_default;
use crate::access::Access;
use crate::app::App;
use crate::error::{ApiError, json};
use crate::store::{NewKey, Rotation};

const DAY: u32 = 24 * 60 * 60;
const MAX_GRACE: u32 = 7 * DAY;

/// Mints the key that takes the place of another, with the same rights.
pub(crate) async fn rotate_key(
    app: &App,
    access: &Access,
    id: &str,
    request: Request<Body>,
) -> Result<Response<Body>, ApiError> {
    let header = idempotency_key(request.headers())?;
    let (wanted, _hold) = read_json_or_default::<RotateKey>(app, access, request).await?;
    let once = header.map(|header| once(&header, OpId::RotateKey, id, &wanted));
    let grace = wanted.grace_seconds.unwrap_or(DAY);
    if grace > MAX_GRACE {
        return Err(ApiError::invalid(format!(
            "grace_seconds is 0 to {MAX_GRACE}, which is 7 days"
        )));
    }
    let old = app.store.get_key(access, id).await?;
    // An admin key that ends next week must not come by one that never does.
    let is_own = old.key_id == access.record().key_id;
    if !is_own && !old.grant.is_within(&access.record().lasting()) {
        return Err(ApiError::forbidden(
            "a key cannot give what its issuer does not have: this key's level, projects or expiry go beyond yours",
        ));
    }
    let minted = mint(old.grant.level).map_err(|_| ApiError::internal())?;
    let new = NewKey {
        id: minted.id.clone(),
        digest: app.pepper.digest(&minted.key),
        shown: minted.key.shown(),
        name: old.name.clone(),
        note: old.note.clone(),
        owner: old.owner.clone(),
        grant: old.grant.clone(),
        created: whole_millis(access.key_time()),
        family: Some(old.family),
    };
    let described = new_key(app, &new, Some(old.id.clone()));
    let rotation = Rotation {
        old: old.key_id,
        new,
        grace: i64::from(grace) * 1000,
        limit: app.max_rotations,
    };
    let stored = app.store.rotate_key(access, rotation, once).await?;
    Ok(json(&answer(app, access, stored, &minted, described)))
}

/// Revokes a key; when the answer is out, no request with it succeeds any more.
pub(crate) async fn revoke_key(
    app: &App,
    access: &Access,
    id: &str,
) -> Result<Response<Body>, ApiError> {
    let key = app.store.get_key(access, id).await?;
    let key = app.store.revoke_key(access, &key).await?;
    Ok(json(&describe(app, access, &key)))
}

#[cfg(test)]
mod tests;
