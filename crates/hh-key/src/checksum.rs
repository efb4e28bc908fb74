//! Computes the checksum at the end of issued keys: CRC-32 in base 62 (see `docs/design/decisions.md#k3`).

use crate::{ApiKey, KeyKind};

pub(crate) const DIGITS: &[u8; 62] =
    b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const CHECK_LENGTH: usize = 6;
/// The number of random characters of a project key, before its checksum.
pub(crate) const PLAIN_RANDOM: usize = 34;

/// The result of verifying the checksum of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "no other result is possible")]
pub enum Checksum {
    /// The key has the length of an issued key and a valid checksum.
    Valid,
    /// The key has the length of an issued key and an invalid checksum.
    Invalid,
    /// The key has another length, so a HoneyHive for Rust server did not issue it.
    Unknown,
}

/// Verifies the checksum of a key. This needs no database and no server.
#[must_use]
pub fn checksum(key: &ApiKey) -> Checksum {
    let text = key.text();
    let body = text.len() - key.kind().prefix().len();
    let has_checksum = match key.kind() {
        KeyKind::Project | KeyKind::ReadOnly => body == PLAIN_RANDOM + CHECK_LENGTH,
        KeyKind::Ingestion | KeyKind::DataPlane | KeyKind::ControlPlane => true,
    };
    let (front, check) = text.split_at(text.len() - CHECK_LENGTH.min(text.len()));
    if !has_checksum {
        Checksum::Unknown
    } else if compute_checksum(front) == check {
        Checksum::Valid
    } else {
        Checksum::Invalid
    }
}

pub(crate) fn compute_checksum(text: &str) -> String {
    let mut rest = crc32fast::hash(text.as_bytes()) as usize;
    let mut digits = [b'0'; CHECK_LENGTH];
    for digit in digits.iter_mut().rev() {
        *digit = DIGITS[rest % 62];
        rest /= 62;
    }
    digits.iter().map(|&digit| char::from(digit)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_other_lengths_are_foreign() {
        let hosted = ApiKey::parse("hh_1234567890abcdef1234567890abcdef").unwrap();
        assert_eq!(checksum(&hosted), Checksum::Unknown);
        assert_eq!(checksum(&ApiKey::parse("hh_a").unwrap()), Checksum::Unknown);
    }
}
