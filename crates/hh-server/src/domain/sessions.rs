//! Merges a session start into a stored session, and derives the times of a session from its events.

use super::Refusal;
use super::event_body::{EventBody, encode_body, encode_within};
use super::events::{MAX_MERGED, Rights, too_large};
use super::stored_body::StoredBody;

/// The name of a session without a name.
pub(crate) const UNNAMED: &str = "unknown";

/// The properties of a stored session that determine the effect of another start.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StoredSession {
    /// Whether spans created it and no start was received yet.
    pub(crate) is_implicit: bool,
    /// The size of its body, in bytes.
    pub(crate) size: usize,
    /// Whether the key of the request may change it.
    pub(crate) may_change: bool,
}

/// Returns whether a start changes a stored session, and the key is allowed to change it.
pub(crate) fn changes(sent: &EventBody, rights: Rights, stored: StoredSession) -> bool {
    if stored.is_implicit {
        return true;
    }
    let has_effect = !sent.metadata.is_empty() || !sent.user_properties.is_empty();
    has_effect && stored.may_change && (rights.can_read || stored.size <= MAX_MERGED)
}

/// Merges a start into an encoded body and encodes the result; returns `None` if nothing changes.
///
/// A session that spans created without a start receives all members of the start; otherwise only metadata and user
/// properties are merged. `encoded` is `sent` in its stored form.
pub(crate) fn merge_start(
    stored: &[u8],
    sent: &EventBody,
    encoded: &[u8],
    rights: Rights,
    is_implicit: bool,
) -> Result<Option<Vec<u8>>, Refusal> {
    let mut body = StoredBody::parse(stored)?;
    if !is_implicit && stored.len() > MAX_MERGED {
        // The retry of a start must succeed for a session of any size.
        let sent = StoredBody::parse(encoded)?;
        let is_known = body.metadata.has_all(&sent.metadata)
            && body.user_properties.has_all(&sent.user_properties);
        return if is_known { Ok(None) } else { Err(too_large()) };
    }
    let merged = if is_implicit {
        body.set_source(&sent.source);
        body.set_inputs(&sent.inputs);
        // Members that are set already are not replaced: another key may have set them.
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
        // The error would reveal the size of the stored session to a key that may not read.
        Err(Refusal::TooLarge(_)) if !rights.can_read => Ok(None),
        merged => merged.map(Some),
    }
}

/// The time range of events of one session that are stored together, in nanoseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Extent {
    pub(crate) started: i64,
    pub(crate) ended: i64,
}

impl Extent {
    /// Returns the range that contains both ranges.
    pub(crate) fn join(self, other: Self) -> Self {
        Self {
            started: self.started.min(other.started),
            ended: self.ended.max(other.ended),
        }
    }
}
