//! Changes of keys.

use hh_api::types::{Change, Key, UpdateKey};

use super::Call;
use super::keys::{MAX_NAME, MAX_NOTE, describe, one_line, whole_millis};
use crate::app::App;
use crate::http::error::ApiError;
use crate::store::{GetKey, UpdateKey as Update};

/// Changes the name or the note of a key, or sets an earlier expiry.
pub(super) async fn update_key(app: &App, call: Call, input: UpdateKey) -> Result<Key, ApiError> {
    let access = &call.access;
    let name = input.name.map(|name| one_line("name", &name, MAX_NAME));
    let name = name.transpose()?;
    let note = match input.note {
        Change::Set(note) => Change::Set(one_line("note", &note, MAX_NOTE)?),
        unset @ (Change::Keep | Change::Remove) => unset,
    };
    let key = app.store.read(access, GetKey { id: input.id }).await?;
    // A key that expires next week must not control one that never expires.
    let is_own = key.key_id == access.record().key_id;
    if !is_own && !access.record().can_grant(&key.grant) {
        return Err(ApiError::forbidden(
            "cannot change a key that has more permissions than the key of this request; use a key with at least the level, projects and expiry of the key to change",
        ));
    }
    let update = Update {
        key_id: key.key_id,
        name,
        note,
        expires: input.expires_at.map(whole_millis),
    };
    let updated = app.store.write(access, update).await?;
    Ok(describe(app, access, &updated.value))
}
