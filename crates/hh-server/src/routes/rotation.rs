use hh_api::operations;
use hh_api::types::{CreateKeyResponse, Key, KeyRef, RotateKey};
use hh_auth::mint;
use serde_json::json;

use super::Call;
use super::keys::{answer, describe, idempotency_key, new_key, once, whole_millis};
use crate::app::App;
use crate::error::ApiError;
use crate::store::{NewKey, Rotation};

const DAY: u32 = 24 * 60 * 60;
const MAX_GRACE: u32 = 7 * DAY;

/// Mints the key that takes the place of another, with the same rights.
pub(super) async fn rotate_key(
    app: &App,
    call: Call,
    input: RotateKey,
) -> Result<CreateKeyResponse, ApiError> {
    let (access, id) = (&call.access, input.id.as_str());
    let header = idempotency_key(&call.headers)?;
    let once = header.map(|header| {
        let body = match input.grace_seconds {
            Some(seconds) => json!({ "grace_seconds": seconds }),
            None => json!({}),
        };
        once::<operations::RotateKey>(&header, id, &body)
    });
    let grace = input.grace_seconds.unwrap_or(DAY);
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
    Ok(answer(app, access, stored, &minted, described))
}

/// Revokes a key. Once the response is sent, no request with it succeeds.
pub(super) async fn revoke_key(app: &App, call: Call, input: KeyRef) -> Result<Key, ApiError> {
    let key = app.store.get_key(&call.access, &input.id).await?;
    let key = app.store.revoke_key(&call.access, &key).await?;
    Ok(describe(app, &call.access, &key))
}

#[cfg(test)]
mod tests;
