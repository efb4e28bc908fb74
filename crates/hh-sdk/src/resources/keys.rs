//! Implements the calls on API keys.

use std::time::Duration;

use hh_api::operations as op;
use hh_api::types::{
    CreateKey, CreateKeyResponse, CreatedKey, Key, KeyRef, ListKeys, RotateKey, UpdateKey,
};

use crate::{Error, ErrorKind, HoneyHive};

impl HoneyHive {
    /// Creates an API key and returns it with its secret.
    ///
    /// A retry of the request does not create a second key.
    ///
    /// # Errors
    /// The [errors of every call](HoneyHive#errors), and `Conflict` if the owner is disabled, or if the key was created
    /// but the response with its secret was lost.
    pub async fn create_key(&self, key: &CreateKey) -> Result<CreatedKey, Error> {
        match self.send::<op::CreateKey>(key.clone()).await? {
            CreateKeyResponse::Created(created) => Ok(created),
            CreateKeyResponse::Repeated(key) => {
                Err(lost_secret(&key, "revoke the key and create another one"))
            }
        }
    }

    /// Rotates the key with this id: creates a new key with the same permissions, which replaces it.
    ///
    /// A key can rotate itself. The old key works until the new key is first used, and after that for the grace period
    /// `grace`: whole seconds, at most 7 days, 24 hours by default. If the old key is rotated again before the new key
    /// is first used, the new key is revoked and another one is created.
    ///
    /// # Errors
    /// The [errors of every call](HoneyHive#errors), and `Conflict` if the key is no longer active or was already
    /// replaced, or if the new key was created but the response with its secret was lost.
    pub async fn rotate_key(&self, id: &str, grace: Option<Duration>) -> Result<CreatedKey, Error> {
        let input = RotateKey {
            id: id.to_owned(),
            grace_seconds: grace.map(|grace| u32::try_from(grace.as_secs()).unwrap_or(u32::MAX)),
        };
        match self.send::<op::RotateKey>(input).await? {
            CreateKeyResponse::Created(created) => Ok(created),
            CreateKeyResponse::Repeated(key) => Err(lost_secret(
                &key,
                "rotate the old key again, which revokes the lost key",
            )),
        }
    }

    /// Lists the active keys that the key of the client can manage, newest first.
    ///
    /// # Errors
    /// The [errors of every call](HoneyHive#errors).
    pub async fn list_keys(&self) -> Result<Vec<Key>, Error> {
        self.read_keys(false).await
    }

    /// Lists all keys that the key of the client can manage, newest first. The list includes expired, revoked and
    /// replaced keys.
    ///
    /// # Errors
    /// The [errors of every call](HoneyHive#errors).
    pub async fn list_all_keys(&self) -> Result<Vec<Key>, Error> {
        self.read_keys(true).await
    }

    /// Reads all pages of the list of keys.
    async fn read_keys(&self, with_ended: bool) -> Result<Vec<Key>, Error> {
        let mut keys = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let input = ListKeys {
                limit: Some(1000),
                cursor: cursor.clone(),
                ended: with_ended,
            };
            let page = self.send::<op::ListKeys>(input).await?;
            keys.extend(page.keys);
            let Some(next) = page.next else {
                return Ok(keys);
            };
            // The cursor becomes part of the URL and must not change it. A repeated cursor would loop forever.
            let is_plain = !next.is_empty() && next.chars().all(|c| c.is_ascii_alphanumeric());
            if !is_plain || cursor.as_ref() == Some(&next) {
                let message = "the server returned an invalid cursor for the next page of keys";
                return Err(Error::new(ErrorKind::Unavailable, message));
            }
            cursor = Some(next);
        }
    }

    /// Returns the key with this id, without its secret.
    ///
    /// # Errors
    /// The [errors of every call](HoneyHive#errors).
    pub async fn get_key(&self, id: &str) -> Result<Key, Error> {
        self.send::<op::GetKey>(key_ref(id)).await
    }

    /// Changes the name or the note of a key, or sets an earlier expiry, and returns the changed key.
    ///
    /// The level and the projects of a key cannot be changed. The client needs an admin key with at least the same
    /// permissions. A key can change itself.
    ///
    /// # Errors
    /// The [errors of every call](HoneyHive#errors), `Invalid` if the new expiry is in the past or later than the
    /// current one, and `Conflict` if the key is no longer active and its expiry would change, or if no admin key for
    /// all projects would remain valid for at least 30 days.
    ///
    /// # Examples
    /// ```no_run
    /// use hh_sdk::api::types::{Change, UpdateKey};
    ///
    /// # async fn example(client: hh_sdk::HoneyHive) -> Result<(), hh_sdk::Error> {
    /// let update = UpdateKey {
    ///     id: "UEihKaBIFGA89v7Qi9MHUS7H".to_owned(),
    ///     note: Change::Set("for the build machines".to_owned()),
    ///     ..UpdateKey::default()
    /// };
    /// println!("changed key {}", client.update_key(&update).await?.name);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn update_key(&self, update: &UpdateKey) -> Result<Key, Error> {
        self.send::<op::UpdateKey>(update.clone()).await
    }

    /// Revokes the key with this id. The revocation takes effect immediately.
    ///
    /// A key can revoke itself and the key that it replaces.
    ///
    /// # Errors
    /// The [errors of every call](HoneyHive#errors), and `Conflict` if this is the last key that can create keys.
    pub async fn revoke_key(&self, id: &str) -> Result<Key, Error> {
        self.send::<op::RevokeKey>(key_ref(id)).await
    }
}

/// Returns the input of an operation on the key with this id.
fn key_ref(id: &str) -> KeyRef {
    KeyRef { id: id.to_owned() }
}

/// Returns the error for a key that was created although its secret did not arrive.
fn lost_secret(key: &Key, hint: &'static str) -> Error {
    Error::new(
        ErrorKind::Conflict,
        format!(
            "key {} was created, but its secret was lost in transit and cannot be retrieved",
            hh_transport::clean(&key.id, &[])
        ),
    )
    .with_hint(hint)
}
