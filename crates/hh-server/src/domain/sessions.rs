//! What a start changes of a stored session, and which times its events give it.

use super::Refusal;
use super::event_body::{EventBody, encode_body, encode_within};
use super::events::{MAX_MERGED, Rights, too_large};
use super::stored_body::StoredBody;

/// The name of a session without a name.
pub(crate) const UNNAMED: &str = "unknown";

/// A stored session, as far as a second start depends on it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StoredSession {
    /// Only spans have created it.
    pub(crate) is_implicit: bool,
    /// The bytes of its body.
    pub(crate) size: usize,
    /// The key of the request may change it.
    pub(crate) may_change: bool,
}

/// Returns whether a start changes a session in a way that the key may.
pub(crate) fn changes(sent: &EventBody, rights: Rights, stored: StoredSession) -> bool {
    if stored.is_implicit {
        return true;
    }
    let has_effect = !sent.metadata.is_empty() || !sent.user_properties.is_empty();
    has_effect && stored.may_change && (rights.can_read || stored.size <= MAX_MERGED)
}

/// Merges a start into an encoded body and encodes the result; `None` if there is nothing to store.
///
/// A session that only spans have created takes everything; otherwise metadata and user properties are merged. `encoded`
/// is `sent` as it would be stored.
pub(crate) fn merge_start(
    stored: &[u8],
    sent: &EventBody,
    encoded: &[u8],
    rights: Rights,
    is_implicit: bool,
) -> Result<Option<Vec<u8>>, Refusal> {
    let mut body = StoredBody::parse(stored)?;
    if !is_implicit && stored.len() > MAX_MERGED {
        // A start that is sent again must succeed, however large the session is.
        let sent = StoredBody::parse(encoded)?;
        let is_known = body.metadata.has_all(&sent.metadata)
            && body.user_properties.has_all(&sent.user_properties);
        return if is_known { Ok(None) } else { Err(too_large()) };
    }
    let merged = if is_implicit {
        body.set_source(&sent.source);
        body.set_inputs(&sent.inputs);
        // What was set in a session that only spans had created stays: another key may have set it.
        for (stored, sent) in [
            (&mut body.config, &sent.config),
            (&mut body.metadata, &sent.metadata),
            (&mut body.user_properties, &sent.user_properties),
        ] {
            stored.add(sent);
        }
        encode_body(&body)
    } else {
        body.metadata.set(&sent.metadata);
        body.user_properties.set(&sent.user_properties);
        encode_within(&body, MAX_MERGED).ok_or_else(too_large)
    };
    match merged {
        // The error would tell a key that may not read how much is stored.
        Err(Refusal::TooLarge(_)) if !rights.can_read => Ok(None),
        merged => merged.map(Some),
    }
}

/// The times of events of one session that are stored together, in nanoseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Extent {
    pub(crate) started: i64,
    pub(crate) ended: i64,
}

impl Extent {
    /// Joins the times of another event.
    pub(crate) fn join(self, other: Self) -> Self {
        Self {
            started: self.started.min(other.started),
            ended: self.ended.max(other.ended),
        }
    }
}
