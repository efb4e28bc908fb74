//! Requests what the server knows about the API key.

use std::sync::PoisonError;

use hh_auth::{KeyDetails, KeyInfo};

use super::{HoneyHive, unavailable_in_test_mode};
use crate::{Error, ErrorKind};

/// The number of requests after which the method gives up, if the key changes during each of them.
const MAX_TRIES: u32 = 3;

impl HoneyHive {
    /// Returns the information about the API key, including its level, owner, creation time and expiry on the server.
    ///
    /// The method works for a key from any source, such as `HH_API_KEY`. The first call sends a request. The client
    /// keeps the response for its lifetime, and its clones share it. After the key has changed, the next call sends
    /// another request. To see a later change of the expiry, for example by a rotation, create another client or call
    /// [`whoami`](Self::whoami).
    ///
    /// If the server does not report identities, the details are unknown: the creation time is `None`, except for the
    /// key of a stored profile, which has the time of the login.
    ///
    /// # Errors
    /// The [errors of every call](HoneyHive#errors).
    ///
    /// # Examples
    /// ```no_run
    /// # async fn example() -> Result<(), hh_sdk::Error> {
    /// let client = hh_sdk::HoneyHive::from_env()?;
    /// let info = client.key_info().await?;
    /// match info.age(jiff::Timestamp::now()) {
    ///     Some(age) if age.as_hours() > 90 * 24 => eprintln!("rotate {}: it is older than 90 days", info.redacted),
    ///     Some(_) => {}
    ///     None => eprintln!("the server does not report the age of {}", info.redacted),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn key_info(&self) -> Result<KeyInfo, Error> {
        let Some(sender) = &self.sender else {
            return Err(unavailable_in_test_mode());
        };
        let mut tries = 1;
        loop {
            let issued = sender.project_key().await?;
            if let Some(details) = self.cached_details(issued.epoch) {
                return Ok(sender.key_info(&issued).with_details(&details));
            }
            let details = self.whoami().await?.details();
            // If the key has changed in the meantime, the details can be those of the old or the new key.
            let is_same = sender.project_key().await?.epoch == issued.epoch;
            if is_same {
                *self
                    .key_details
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner) =
                    Some((issued.epoch, details.clone()));
                return Ok(sender.key_info(&issued).with_details(&details));
            }
            if tries >= MAX_TRIES {
                let message = "the API key changed several times during the request";
                return Err(Error::new(ErrorKind::Unavailable, message));
            }
            tries += 1;
        }
    }

    /// Returns the stored details of the key with this epoch.
    fn cached_details(&self, epoch: hh_auth::Epoch) -> Option<KeyDetails> {
        let cached = self
            .key_details
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let (of, details) = cached.as_ref()?;
        (*of == epoch).then(|| details.clone())
    }
}
