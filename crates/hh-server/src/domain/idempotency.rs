//! Requests that are sent again under the same `Idempotency-Key` create nothing twice.

use jiff::{SignedDuration, Timestamp};

use super::Refusal;

/// How long a request that is sent again is recognized.
const KEPT: SignedDuration = SignedDuration::from_hours(24);

/// A request that may be sent again: SHA-256 of its `Idempotency-Key`, and of all that it asks for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct IdempotencyKey {
    pub(crate) name: [u8; 32],
    pub(crate) request: [u8; 32],
}

/// What is stored of such a request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct IdempotencyRecord {
    pub(crate) request: [u8; 32],
    /// The key that it created.
    pub(crate) key_id: i64,
}

/// Returns the time at which a record was created that has just expired.
pub(crate) fn expired_at(now: Timestamp) -> Timestamp {
    now - KEPT
}

/// Returns the key that an earlier request created, if this one is the same request again.
///
/// # Errors
/// `Reused` if the earlier request was another one.
pub(crate) fn replay(
    earlier: Option<IdempotencyRecord>,
    key: &IdempotencyKey,
) -> Result<Option<i64>, Refusal> {
    match earlier {
        None => Ok(None),
        Some(record) if record.request == key.request => Ok(Some(record.key_id)),
        Some(_) => Err(Refusal::Reused),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_request_is_replayed() {
        let key = IdempotencyKey {
            name: [1; 32],
            request: [2; 32],
        };
        let record = |byte| IdempotencyRecord {
            request: [byte; 32],
            key_id: 5,
        };
        assert_eq!(replay(None, &key), Ok(None));
        assert_eq!(replay(Some(record(2)), &key), Ok(Some(5)));
        assert_eq!(replay(Some(record(3)), &key), Err(Refusal::Reused));
    }
}
