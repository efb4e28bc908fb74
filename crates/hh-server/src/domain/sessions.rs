//! Merges a session start into a stored session, and derives the times of a session from its events.

use std::ops::RangeInclusive;

use uuid::Uuid;

use super::Refusal;
use super::event_body::{EventBody, encode_body, encode_within};
use super::events::{MAX_MERGED, Rights, too_large};
use super::stored_body::StoredBody;

/// The minimum number of hexadecimal digits to find sessions by, so that random ids seldom have the same prefix.
const MIN_DIGITS: usize = 8;
const MAX_DIGITS: usize = 32;

/// Returns the first and the last id that begin with a prefix of the text form of an id.
pub(crate) fn ids_with_prefix(prefix: &str) -> Result<RangeInclusive<Uuid>, Refusal> {
    let digits: String = prefix.chars().filter(|c| *c != '-').collect();
    let fits = (MIN_DIGITS..=MAX_DIGITS).contains(&digits.len());
    if !fits || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(Refusal::Invalid(format!(
            "prefix must have {MIN_DIGITS} to {MAX_DIGITS} hexadecimal digits"
        )));
    }
    let bound = |fill: &str| {
        let rest = fill.repeat(MAX_DIGITS - digits.len());
        Uuid::try_parse(&format!("{digits}{rest}")).unwrap_or_default()
    };
    Ok(bound("0")..=bound("f"))
}

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
        body.add_outputs(&sent.outputs);
        for (stored, sent) in [
            (&mut body.config, &sent.config),
            (&mut body.metrics, &sent.metrics),
            (&mut body.feedback, &sent.feedback),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_of_an_id_is_a_range_of_ids() {
        let range = |prefix| {
            let ids = ids_with_prefix(prefix).ok()?;
            Some((ids.start().to_string(), ids.end().to_string()))
        };
        let ids = |first: &str, last: &str| Some((first.to_owned(), last.to_owned()));
        let eight = ids(
            "3f2a91bc-0000-0000-0000-000000000000",
            "3f2a91bc-ffff-ffff-ffff-ffffffffffff",
        );
        for prefix in ["3f2a91bc", "3F2A91BC", "3f2a91bc-"] {
            assert_eq!(range(prefix), eight, "{prefix}");
        }
        let longer = ids(
            "3f2a91bc-0d40-0000-0000-000000000000",
            "3f2a91bc-0d4f-ffff-ffff-ffffffffffff",
        );
        for prefix in ["3f2a91bc0d4", "3f2a91bc-0d4"] {
            assert_eq!(range(prefix), longer, "{prefix}");
        }
        let whole = "3f2a91bc-0d4e-4b0e-9d4e-0b6c3f0a1b2c";
        assert_eq!(range(whole), ids(whole, whole));
        for prefix in [
            "",
            "3f2a91b",
            "3f2a-91b",
            "--------",
            "3f2a91bg",
            "3f2a91b ",
            "3f2a91b%",
            "\u{ff13}f2a91bc",
            "3f2a91bc-0d4e-4b0e-9d4e-0b6c3f0a1b2c0",
        ] {
            assert_eq!(range(prefix), None, "{prefix}");
        }
    }
}
