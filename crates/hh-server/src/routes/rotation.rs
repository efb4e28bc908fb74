//! Rotation and revocation of keys.

use std::sync::atomic::Ordering;

use hh_api::operations;
use hh_api::types::{CreateKeyResponse, Key, KeyRef, RotateKey};
use hh_auth::mint;
use serde_json::json;

use super::Call;
use super::keys::{
    answer, describe, digest_idempotent_request, idempotency_key, new_key, not_granted,
    whole_millis,
};
use crate::app::App;
use crate::domain::rotation;
use crate::http::error::ApiError;
use crate::store::{GetKey, NewKey, RevokeKey, RotateKey as Rotation};

/// Creates a key that replaces another one, with the same permissions.
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
        digest_idempotent_request::<operations::RotateKey>(&header, id, &body)
    });
    let grace = rotation::grace(input.grace_seconds)?;
    let find = GetKey { id: id.to_owned() };
    let old = app.store.read(access, find).await?;
    // An admin key that expires next week must not obtain one that never expires.
    let is_own = old.key_id == access.record().key_id;
    if !is_own && !access.record().can_grant(&old.grant) {
        return Err(not_granted(access.record(), &old.grant));
    }
    let minted = mint(old.grant.level).map_err(|_| ApiError::internal())?;
    let new = NewKey {
        id: minted.id.clone(),
        digest: app.pepper.digest(&minted.key),
        shown: minted.key.redacted(),
        name: old.name.clone(),
        note: old.note.clone(),
        owner: old.owner.clone(),
        grant: old.grant.clone(),
        created: whole_millis(access.key_time()),
        family: Some(old.family),
    };
    let described = new_key(app, &new, Some(old.id.clone()));
    let rotate = Rotation {
        old: old.key_id,
        new,
        grace,
        limit: app.max_rotations.load(Ordering::Relaxed),
        idempotency: once,
    };
    let stored = app.store.write(access, rotate).await?;
    Ok(answer(app, access, stored.value, &minted, described))
}

/// Revokes a key. After the response, no request with the key succeeds.
pub(super) async fn revoke_key(app: &App, call: Call, input: KeyRef) -> Result<Key, ApiError> {
    let access = &call.access;
    let key = app.store.read(access, GetKey { id: input.id }).await?;
    let revoke = RevokeKey { key_id: key.key_id };
    let revoked = app.store.write(access, revoke).await?;
    Ok(describe(app, access, &revoked.value))
}

#[cfg(test)]
mod tests;
