//! Recognizes retries of a request by `Idempotency-Key`, so that a retry creates no second key.

use jiff::{SignedDuration, Timestamp};

use super::Refusal;

/// How long the retry of a request is recognized.
const KEPT: SignedDuration = SignedDuration::from_hours(24);

/// A request that the client may retry: SHA-256 of its `Idempotency-Key`, and of its contents.
#[derive(Clone, Copy, Debug)]
pub(crate) struct IdempotencyKey {
    pub(crate) name: [u8; 32],
    pub(crate) request: [u8; 32],
}

/// A stored request with an `Idempotency-Key`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct IdempotencyRecord {
    pub(crate) request: [u8; 32],
    /// The number of the key that the request created.
    pub(crate) key_id: i64,
}

/// Returns the creation time of the records that expire now.
pub(crate) fn expired_at(now: Timestamp) -> Timestamp {
    now - KEPT
}

/// Returns the number of the key that an earlier request created, if this request is a retry of it.
///
/// # Errors
/// `Reused` if the earlier request was a different one.
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
